/**
 * Keeps the history shown in step with the server's.
 *
 * It follows with operation 5 from the next line on, so that every line that comes is a change: an old `deleted line 3`
 * must not delete anything again. The lines before are read with operation 2, here the newest ones and otherwise those
 * in view (see `PageLoader`), and placed by the version that the reply names (see `readLines`). After a reconnect the lines
 * around the last one seen decide what is still right (see `resync`).
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
import type { Deletion } from "./history-replica.ts";
import type { History } from "./history.svelte.ts";
import { LineSplitter, readInto, readWhole } from "./range-read.ts";
import { rangeToResync, resync } from "./resync.ts";

/**
 * - `idle`: no user is connected, or there is no gateway
 * - `connecting`: asks for the operations, follows, reads the lines before
 * - `live`: in step
 * - `waiting`: it failed and is tried again after the countdown
 * - `unfollowable`: the server announces no follow, or no `snapshot` for its reads; the history is fetched on request
 * - `other-service`: the server announces nothing at all, and keeps no history that could be shown
 * - `refused`: the server refuses this user
 * - `stopped`: the user stopped it
 */
export type FollowState =
  "idle" | "connecting" | "live" | "waiting" | "unfollowable" | "other-service" | "refused" | "stopped";

const followOperation = 5;

export class Follower {
  state = $state<FollowState>("idle");
  /** Why it is not live, in a sentence. */
  error = $state("");
  /** True while the whole history is fetched. */
  isFetching = $state(false);
  readonly countdown = new Countdown();
  readonly #streams: Streams;
  readonly #operations: Operations;
  readonly #history: History;
  /** Every start, stop and loss begins a new run; what still waits in an older one ends without effect. */
  #run = 0;
  #following: Stream | undefined;
  #lastFailed: Stream | undefined;
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
      this.state = "other-service";
      return;
    }
    this.state = "connecting";
    if (this.#operations.list === undefined && !(await this.#askForOperations(run))) return;
    if (run !== this.#run) return;
    if (this.#canBeFollowed) return this.#follow(run);
    this.state = "unfollowable";
    await this.fetch();
  }

  /** A follow alone is of no use: the lines before it need a place. */
  get #canBeFollowed(): boolean {
    const namesVersion = this.#operations.offering("read")?.parameters.some(({ name }) => name === "snapshot") ?? false;
    return namesVersion && this.#operations.offering("follow") !== undefined;
  }

  /** Ends the follow; what is shown stays. */
  stop(): void {
    this.#nextRun();
    this.state = "stopped";
    if (this.#following !== undefined) this.#streams.cancel(this.#following);
    this.#following = undefined;
  }

  /** The gateway is gone, and the follow with it. */
  lose(): void {
    this.#nextRun();
    this.#following = undefined;
    this.error = "";
    if (this.state !== "stopped") this.state = "idle";
  }

  /** Reads the whole history anew, from a server that cannot be followed. */
  async fetch(): Promise<void> {
    if (this.isFetching) return;
    this.isFetching = true;
    const { stream, replica } = await readWhole(this.#streams, this.#history.user);
    this.isFetching = false;
    if (stream?.state === "done" && stream.answer === "accepted") {
      this.#history.show(replica);
      this.error = "";
    } else if (stream !== undefined) {
      this.error = `The history could not be fetched. ${describe(stream)}`;
    }
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
    if (isOtherService(stream)) this.state = "other-service";
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

  /** Reads the newest lines, or those around the last one seen, and shows the replica. */
  async #show(replica: HistoryReplica, run: number): Promise<void> {
    const old = this.#history.current;
    const missed = replica.mark(replica.last);
    const since: Deletion[] = [];
    const stop = replica.listen((_, deletion) => deletion !== undefined && since.push(deletion));
    const range = rangeToResync(old.last === 0 ? replica.last : old.last, replica.last, historyPageLines);
    const order = { user: this.#history.user, ...range, purpose: "to show the lines before" };
    // When it fails, the page loader reads what is in view, and says why it cannot.
    if (replica.last > 0) await readInto(this.#streams, replica, order);
    stop();
    replica.unmark(missed);
    if (run !== this.#run) return;
    if (old.last > 0) this.#resync(old, replica, missed.position - (missed.isGone ? 1 : 0), since);
    this.#history.show(replica);
    this.#failures = 0;
    this.state = "live";
  }

  /** Takes over what is still right, and marks where lines were missed. */
  #resync(old: HistoryReplica, replica: HistoryReplica, missedTo: number, since: readonly Deletion[]): void {
    const lastSeen = resync(old, replica, missedTo, since);
    if (lastSeen === undefined) return this.#history.markGap(replica, missedTo + 1, undefined);
    // The last of them is the line of this follow's own request.
    const lines = missedTo - lastSeen - 1;
    if (lines > 0) this.#history.markGap(replica, lastSeen + 1, lines);
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
    this.#forgetFormerFailure(stream);
    this.#failures += 1;
    this.state = "waiting";
    this.countdown.start(backoffMs(this.#failures, Math.random()), () => void this.start());
  }

  /** While a server is away, failed attempts would fill the conversation: the last one is enough. */
  #forgetFormerFailure(stream: Stream): void {
    const former = this.#lastFailed;
    if (former !== undefined && former !== this.#streams.selected) this.#streams.forget(former);
    this.#lastFailed = stream.state === "failed" && stream.receivedBytes === 0 ? stream : undefined;
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
