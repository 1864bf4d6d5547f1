/**
 * The history of the Wirebook server, in step with it. It follows with operation 5 from the next line on, so that every line is
 * a change: an old `deleted line 3` must not delete again. The lines before are read (`LineReader`), after a reconnect anew.
 */

import { decodeFollowing, LineSplitter, timestampOf } from "@wirebook/protocol";
import { backoffMs, Retry } from "../gateway/retry.svelte.ts";
import { historyLineBytesKept, historyPageLines } from "../limits.ts";
import type { Operations } from "../streams/operations.svelte.ts";
import { refusalOf, sentence } from "../streams/result.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import type { Zone } from "../ui/format.ts";
import { LineCache } from "./replica/line-cache.svelte.ts";
import { LineReader, toText } from "./replica/line-reader.svelte.ts";
import { HistoryView } from "./view/history-view.svelte.ts";

/** `failed` is tried again, unless the server refused this user; `none`: no server, or none whose history can be shown. */
export type FollowState = "idle" | "connecting" | "live" | "failed" | "none";

const followOperation = 5;

export class LiveHistory {
  state = $state<FollowState>("idle");
  error = $state("");
  readonly retry = new Retry();
  readonly cache = new LineCache();
  readonly reader: LineReader;
  readonly view: HistoryView;
  readonly #streams: Streams;
  readonly #operations: Operations;
  readonly #watch: (stream: Stream | undefined) => Promise<void>;
  /** Every start and every loss begins a new run; what still waits in an older one ends without effect. */
  #run = 0;
  #following: Stream | undefined;
  #failures = 0;

  constructor(
    streams: Streams,
    operations: Operations,
    watch: (stream: Stream | undefined) => Promise<void>,
    preferences: { readonly zone: Zone },
  ) {
    this.#streams = streams;
    this.#operations = operations;
    this.#watch = watch;
    this.reader = new LineReader(streams, this.cache, () => this.state === "live");
    this.view = new HistoryView(this.cache, this.reader, preferences);
  }

  /** False for a gateway without a Wirebook server, and for a server that cannot be followed. */
  get isThere(): boolean {
    return this.#streams.hasServer && this.state !== "none";
  }

  /** Follows and reads as this user from now on. @param user with the key */
  useName(user: string): void {
    const isNew = user !== this.reader.user;
    this.reader.user = user;
    if (isNew && ["idle", "failed"].includes(this.state)) void this.start();
  }

  async start(): Promise<void> {
    const before = this.#following;
    const run = this.#enter(this.#streams.hasServer ? "connecting" : "none");
    if (before !== undefined) this.#streams.close(before, "cancel");
    if (this.state === "none") return;
    if (this.#operations.list === undefined) {
      // The name alone: every server answers that with its operations, the reference implementation too.
      const asked = this.#request("to learn the operations");
      await asked?.over;
      if (run !== this.#run || asked === undefined) return;
      if (this.#operations.list === undefined) return this.#fail(asked);
    }
    // A follow alone is of no use: the lines before it need a place.
    const namesVersion = this.#operations.offering("read")?.parameters.some(({ name }) => name === "snapshot");
    if (namesVersion === true && this.#operations.offering("follow") !== undefined) await this.#follow(run);
    else this.#enter("none");
  }

  lose(): void {
    this.#enter("idle");
  }

  goToLine(line: number): void {
    const { last } = this.cache;
    if (last > 0) this.view.reveal(Math.min(last, line));
  }

  async goToTime(time: string): Promise<void> {
    const line = await this.reader.find(time);
    if (line !== undefined) this.goToLine(line);
  }

  /** Deletes a line, named by its number and its time: the server refuses where another has that number by now. */
  async delete(user: string, position: number, line: string): Promise<void> {
    const operation = this.#operations.offering("delete-line")?.number;
    if (operation === undefined) return;
    const values = [String(position), timestampOf(line)].filter((value) => value !== "");
    await this.#watch(this.#streams.request({ user, operation, values, by: "user", purpose: "from the history" }));
  }

  async #follow(run: number): Promise<void> {
    const splitter = new LineSplitter(historyLineBytesKept);
    let isOpen = false;
    const take = (line: string) => {
      if (run !== this.#run) return;
      if (isOpen) {
        if (!this.cache.apply(line)) void this.start();
        return;
      }
      // The first line says where it begins.
      const first = decodeFollowing(line);
      isOpen = first !== undefined;
      if (first !== undefined) void this.#open(first - 1, run);
    };
    const onResponse = (bytes: Uint8Array) => splitter.push(bytes).map(toText).forEach(take);
    const following = this.#request("to follow the history", { operation: followOperation, onResponse });
    this.#following = following;
    await following?.over;
    if (run === this.#run && following !== undefined) this.#fail(following);
  }

  /** Reads the newest lines. When that fails, those in view are read as they are wanted. */
  async #open(last: number, run: number): Promise<void> {
    this.cache.reset(last);
    if (last > 0) await this.reader.read(Math.max(1, last - historyPageLines + 1), last, "to show the lines before");
    if (run !== this.#run) return;
    this.#failures = 0;
    this.state = "live";
  }

  #request(purpose: string, follow: { operation?: number; onResponse?: (bytes: Uint8Array) => void } = {}) {
    return this.#streams.request({ user: this.reader.user, by: "page", purpose, ...follow });
  }

  #enter(state: FollowState, error = ""): number {
    this.state = state;
    this.error = error;
    this.#following = undefined;
    this.retry.stop();
    return ++this.#run;
  }

  /** It ended by itself: for good when the server refused or is another service, otherwise until it is tried again. */
  #fail(stream: Stream): void {
    if (isOtherService(stream)) return void this.#enter("none");
    this.#enter("failed", describe(stream));
    if (stream.state === "done" && stream.answer !== "accepted") return;
    // While a server is away, failed attempts would fill the conversation.
    this.#streams.keepFew(stream);
    this.#failures += 1;
    this.retry.start(backoffMs(this.#failures, Math.random()), () => void this.start());
  }
}

/** Its reply has another form, or no end. */
function isOtherService({ state, answer, header, receivedBytes, failure }: Stream): boolean {
  const isWhole = state === "done" && answer === "accepted";
  return header === undefined && receivedBytes > 0 && (isWhole || failure?.code === "reply-timeout");
}

function describe(stream: Stream): string {
  if (stream.failure !== undefined) return sentence(stream.failure.message);
  const refusal = refusalOf(stream);
  if (refusal !== undefined) return `The server refused ${stream.message.trim()}: ${refusal}`;
  return "The server ended the connection; it may be stopping.";
}
