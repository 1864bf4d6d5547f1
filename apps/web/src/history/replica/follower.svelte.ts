/**
 * Keeps the history shown in step with the server's.
 *
 * It follows with operation 5 from the next line on, so that every line that comes is a change: an old `deleted line 3`
 * must not delete anything again. The lines before are read with operation 2, here the newest ones and otherwise those
 * in view (see `PageLoader`), and placed by the version that the reply names (see `readInto`). After a reconnect nothing is
 * known of what was deleted meanwhile, so they are read anew.
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
import { HistoryReplica } from "./history-replica.ts";
import type { History } from "./history.svelte.ts";
import { LineSplitter, readInto } from "./range-read.ts";

/**
 * - `idle`: no user is connected, or there is no gateway
 * - `connecting`: asks for the operations, follows, reads the lines before
 * - `live`: in step
 * - `waiting`: it failed and is tried again after the countdown
 * - `none`: there is no server, or none that can be followed and names the version of its reads: no history can be shown
 * - `refused`: the server refuses this user
 */
export type FollowState = "idle" | "connecting" | "live" | "waiting" | "none" | "refused";

const followOperation = 5;

export class Follower {
  state = $state<FollowState>("idle");
  /** Why it is not live, in a sentence. */
  error = $state("");
  readonly countdown = new Countdown();
  readonly #streams: Streams;
  readonly #operations: Operations;
  readonly #history: History;
  /** Every start and every loss begins a new run; what still waits in an older one ends without effect. */
  #run = 0;
  #following: Stream | undefined;
  #failures = 0;

  constructor(streams: Streams, operations: Operations, history: History) {
    this.#streams = streams;
    this.#operations = operations;
    this.#history = history;
  }

  /** Begins, or begins again. */
  async start(): Promise<void> {
    const run = this.#nextRun();
    if (this.#following !== undefined) this.#streams.cancel(this.#following);
    this.error = "";
    if (!this.#streams.hasServer) {
      this.state = "none";
      return;
    }
    this.state = "connecting";
    if (this.#operations.list === undefined && !(await this.#askForOperations(run))) return;
    if (run !== this.#run) return;
    if (this.#canBeFollowed) return this.#follow(run);
    this.state = "none";
  }

  /** A follow alone is of no use: the lines before it need a place. */
  get #canBeFollowed(): boolean {
    const namesVersion = this.#operations.offering("read")?.parameters.some(({ name }) => name === "snapshot") ?? false;
    return namesVersion && this.#operations.offering("follow") !== undefined;
  }

  /** The gateway is gone, and the follow with it. */
  lose(): void {
    this.#nextRun();
    this.#following = undefined;
    this.error = "";
    this.state = "idle";
  }

  /** Sends the name alone: every server answers that with its operations, the reference implementation too. */
  async #askForOperations(run: number): Promise<boolean> {
    const stream = this.#streams.request({
      user: this.#history.user,
      by: "page",
      purpose: "to learn the operations",
    });
    if (stream !== undefined) this.#history.background.note(stream);
    await stream?.over;
    if (run !== this.#run || stream === undefined) return false;
    if (this.#operations.list !== undefined) return true;
    if (isOtherService(stream)) this.state = "none";
    else this.#retryLater(stream);
    return false;
  }

  async #follow(run: number): Promise<void> {
    const splitter = new LineSplitter();
    let replica: HistoryReplica | undefined;
    const take = (line: string) => {
      if (run !== this.#run) return;
      if (replica === undefined) replica = this.#open(line, run);
      else if (replica.apply(line)) this.#history.mark();
      else this.#startAnew();
    };
    const following = this.#streams.request({
      user: this.#history.user,
      operation: followOperation,
      by: "page",
      purpose: "to follow the history",
      onResponse: (bytes) => splitter.push(bytes).forEach(take),
    });
    this.#following = following;
    if (following !== undefined) this.#history.background.note(following);
    await following?.over;
    if (run !== this.#run || following === undefined) return;
    this.#following = undefined;
    this.#retryLater(following);
  }

  /** The replica is out of step: nothing of it is right for certain. */
  #startAnew(): void {
    this.#history.show(new HistoryReplica());
    void this.start();
  }

  /** The first line of a follow says where it begins. */
  #open(line: string, run: number): HistoryReplica | undefined {
    const first = decodeFollowing(line);
    if (first === undefined) return undefined;
    const replica = new HistoryReplica(first - 1);
    void this.#show(replica, run);
    return replica;
  }

  /** Reads the newest lines, and shows the replica. */
  async #show(replica: HistoryReplica, run: number): Promise<void> {
    const { last } = replica;
    const from = Math.max(1, last - historyPageLines + 1);
    const order = { user: this.#history.user, from, to: last, purpose: "to show the lines before" };
    // When it fails, the page loader reads what is in view, and says why it cannot.
    if (last > 0) await readInto(this.#streams, replica, order);
    if (run !== this.#run) return;
    this.#history.show(replica);
    this.#failures = 0;
    this.state = "live";
  }

  #nextRun(): number {
    this.#run += 1;
    this.countdown.stop();
    this.#history.mark();
    return this.#run;
  }

  /** It ended by itself: for good when the server refused, otherwise until the countdown is over. */
  #retryLater(stream: Stream): void {
    this.error = describe(stream);
    if (stream.state === "done" && stream.answer !== "accepted") {
      this.state = "refused";
      return;
    }
    // While a server is away, failed attempts would fill the conversation.
    this.#streams.keepFew(stream);
    this.#failures += 1;
    this.state = "waiting";
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
