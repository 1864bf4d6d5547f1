/**
 * Keeps the lines that the page holds in step with the server's history.
 *
 * It follows with operation 5 from the next line on, so that every line that comes is a change: an old `deleted line 3`
 * must not delete anything again. The lines before are read with operation 2 (see `LineReader`). After a reconnect nothing is known of what was
 * deleted meanwhile, so they are read anew.
 *
 * All of it is requests like any other, for the user, and the conversation shows them as the page's own.
 */

import { decodeFollowing } from "@wirebook/protocol";
import type { Operations } from "../../streams/operations.svelte.ts";
import type { Stream } from "../../streams/stream.svelte.ts";
import type { Streams } from "../../streams/streams.svelte.ts";
import { refusalOf, sentence } from "../../streams/result.ts";
import { backoffMs, Countdown } from "../../gateway/countdown.svelte.ts";
import { historyPageLines } from "../../limits.ts";
import type { LiveHistory } from "../live-history.svelte.ts";
import { createSplitter, toText } from "./line-reader.svelte.ts";

/**
 * - `idle`: no user is connected, or there is no gateway
 * - `connecting`: asks for the operations, follows, reads the lines before
 * - `live`: in step
 * - `failed`: it is tried again after the countdown, if that runs: not where the server refused this user
 * - `none`: there is no server, or none that can be followed and names the version of its reads: no history can be shown
 */
export type FollowState = "idle" | "connecting" | "live" | "failed" | "none";

const followOperation = 5;

export class Follower {
  state = $state<FollowState>("idle");
  /** Why it is not live, in a sentence. */
  error = $state("");
  readonly countdown = new Countdown();
  readonly #streams: Streams;
  readonly #operations: Operations;
  readonly #history: Pick<LiveHistory, "cache" | "reader" | "ownLines">;
  /** Every start and every loss begins a new run; what still waits in an older one ends without effect. */
  #run = 0;
  #following: Stream | undefined;
  #failures = 0;

  constructor(streams: Streams, operations: Operations, history: Pick<LiveHistory, "cache" | "reader" | "ownLines">) {
    this.#streams = streams;
    this.#operations = operations;
    this.#history = history;
  }

  /** Begins, or begins again. */
  async start(): Promise<void> {
    const following = this.#following;
    const run = this.#enter(this.#streams.hasServer ? "connecting" : "none");
    if (following !== undefined) this.#streams.cancel(following);
    if (this.state === "none") return;
    if (this.#operations.list === undefined) {
      // The name alone: every server answers that with its operations, the reference implementation too.
      const asked = this.#request("to learn the operations");
      await asked?.over;
      if (run !== this.#run || asked === undefined) return;
      if (this.#operations.list === undefined)
        return isOtherService(asked) ? void this.#enter("none") : this.#fail(asked);
    }
    if (this.#canBeFollowed) await this.#follow(run);
    else this.#enter("none");
  }

  /** The gateway is gone, and the follow with it. */
  lose(): void {
    this.#enter("idle");
  }

  /** A follow alone is of no use: the lines before it need a place. */
  get #canBeFollowed(): boolean {
    const namesVersion = this.#operations.offering("read")?.parameters.some(({ name }) => name === "snapshot") ?? false;
    return namesVersion && this.#operations.offering("follow") !== undefined;
  }

  async #follow(run: number): Promise<void> {
    const splitter = createSplitter();
    let isOpen = false;
    const take = (line: string) => {
      if (run !== this.#run) return;
      if (isOpen) {
        if (!this.#history.cache.apply(line)) void this.start();
        return;
      }
      // The first line says where it begins.
      const first = decodeFollowing(line);
      isOpen = first !== undefined;
      if (first !== undefined) void this.#open(first - 1, run);
    };
    const following = this.#request("to follow the history", followOperation, (bytes) =>
      splitter.push(bytes).map(toText).forEach(take),
    );
    this.#following = following;
    await following?.over;
    if (run === this.#run && following !== undefined) this.#fail(following);
  }

  /** Reads the newest lines. When that fails, those in view are read as they are wanted. */
  async #open(last: number, run: number): Promise<void> {
    const { cache, reader, ownLines } = this.#history;
    cache.reset(last);
    if (last > 0) await reader.read(Math.max(1, last - historyPageLines + 1), last, "to show the lines before");
    if (run !== this.#run) return;
    ownLines.findBackground();
    this.#failures = 0;
    this.state = "live";
  }

  #request(purpose: string, operation?: number, onResponse?: (bytes: Uint8Array) => void): Stream | undefined {
    const order = { user: this.#history.reader.user, operation, by: "page", purpose } as const;
    const stream = this.#streams.request(onResponse === undefined ? order : { ...order, onResponse });
    if (stream !== undefined) this.#history.ownLines.noteBackground(stream);
    return stream;
  }

  #enter(state: FollowState, error = ""): number {
    this.state = state;
    this.error = error;
    this.#following = undefined;
    this.countdown.stop();
    return ++this.#run;
  }

  /** It ended by itself: for good when the server refused, otherwise until the countdown is over. */
  #fail(stream: Stream): void {
    this.#enter("failed", describe(stream));
    if (stream.state === "done" && stream.answer !== "accepted") return;
    // While a server is away, failed attempts would fill the conversation.
    this.#streams.keepFew(stream);
    this.#failures += 1;
    this.countdown.start(backoffMs(this.#failures, Math.random()), () => void this.start());
  }
}

/** Another service answered: its reply has another form, or no end. */
function isOtherService({ state, answer, receivedBytes, failure }: Stream): boolean {
  const isWhole = state === "done" && answer === "accepted";
  return receivedBytes > 0 && (isWhole || failure?.code === "reply-timeout");
}

function describe(stream: Stream): string {
  if (stream.failure !== undefined) return sentence(stream.failure.message);
  const refusal = refusalOf(stream);
  if (refusal !== undefined) return `The server refused ${stream.message.trim()}: ${refusal}`;
  return "The server ended the connection; it may be stopping.";
}
