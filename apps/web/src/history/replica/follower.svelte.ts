/**
 * Keeps the history shown in step with the server's.
 *
 * It follows with operation 5 from the next line on, so that every line that comes is a change and none is a memory of
 * one: an old `deleted line 3` must not delete anything again. What stands before is read with operation 2, here the
 * newest lines and otherwise whatever somebody looks at (see `PageLoader`), and placed by times (see `RangeRead`). After
 * a reconnect the lines around the last one seen decide what is still right (see `resume`).
 *
 * All of it is requests like any other, in the name of the user, and the transcript shows them as the page's own.
 */

import { decodeFollowing } from "@wirebook/protocol";
import type { Operations } from "../../composer/operations.svelte.ts";
import type { Exchange } from "../../exchanges/exchange.svelte.ts";
import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import { refusalOf, sentence } from "../../exchanges/outcome.ts";
import { backoffMs } from "../../gateway/backoff.ts";
import { Countdown } from "../../gateway/countdown.svelte.ts";
import { historyPageLines, pageAttemptsMax } from "../../limits.ts";
import { HistoryReplica } from "./history-replica.ts";
import type { Deletion } from "./deletion.ts";
import type { History } from "./history.svelte.ts";
import { LineSplitter } from "./line-splitter.ts";
import { readInto, readWhole } from "./reading.ts";
import { rangeToResume, resume } from "./resync.ts";

/**
 * - `idle`: no user has begun, or there is no gateway
 * - `joining`: asking, following, reading the lines before
 * - `live`: in step
 * - `waiting`: it failed and is tried again after the countdown
 * - `unfollowable`: the server does not announce a follow; the history is fetched when asked for
 * - `foreign`: the server announces nothing at all: it is another service, and keeps no history that could be shown
 * - `refused`: the server does not want this user
 * - `stopped`: the user stopped it
 */
export type FollowState = "idle" | "joining" | "live" | "waiting" | "unfollowable" | "foreign" | "refused" | "stopped";

const followOperation = 5;

export class Follower {
  state = $state<FollowState>("idle");
  /** Why it is not live, in a sentence. */
  words = $state("");
  /** True while lines are read. */
  isReading = $state(false);
  readonly countdown = new Countdown();
  user = "";
  readonly #exchanges: Exchanges;
  readonly #operations: Operations;
  readonly #history: History;
  /** Every start, stop and loss is a new turn; whatever still waits in an older one ends without effect. */
  #turn = 0;
  #following: Exchange | undefined;
  #lastFailed: Exchange | undefined;
  #failures = 0;

  constructor(exchanges: Exchanges, operations: Operations, history: History) {
    this.#exchanges = exchanges;
    this.#operations = operations;
    this.#history = history;
  }

  /** Begins, or begins again. */
  async start(): Promise<void> {
    const turn = this.#nextTurn();
    if (this.#following !== undefined) this.#exchanges.cancel(this.#following);
    this.state = "joining";
    this.words = "";
    if (this.#operations.list === undefined && !(await this.#learn(turn))) return;
    if (turn !== this.#turn) return;
    if (this.#canBeFollowed) return this.#follow(turn);
    this.state = "unfollowable";
    await this.fetch();
  }

  /** Ends the follow; what is shown stays. */
  stop(): void {
    this.#nextTurn();
    this.state = "stopped";
    if (this.#following !== undefined) this.#exchanges.cancel(this.#following);
    this.#following = undefined;
  }

  /** The gateway is gone, and the follow with it. */
  lose(): void {
    this.#nextTurn();
    this.#following = undefined;
    this.words = "";
    if (this.state !== "stopped") this.state = "idle";
  }

  /** Reads the whole history anew, from a server that cannot be followed. */
  async fetch(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    const { exchange, copy } = await readWhole(this.#exchanges, this.user);
    this.isReading = false;
    if (exchange?.state === "done" && exchange.answer === "accepted") {
      this.#history.show(copy);
      this.words = "";
    } else if (exchange !== undefined) {
      this.words = `The history could not be fetched. ${describe(exchange)}`;
    }
  }

  /** Asks with the name alone what the server can do; every server answers that, the original one too. */
  async #learn(turn: number): Promise<boolean> {
    const asked = this.#exchanges.request({ user: this.user, by: "page", purpose: "to learn the operations" });
    // It is the first message that anybody sends from here, so the wire has something to show from the beginning.
    if (this.#exchanges.selected === undefined) void this.#exchanges.show(asked);
    await asked?.over;
    if (turn !== this.#turn || asked === undefined) return false;
    if (this.#operations.list !== undefined) return true;
    if (isForeign(asked)) this.state = "foreign";
    else this.#giveUp(asked);
    return false;
  }

  /** A follow alone is of no use: the lines before must be had a page at a time. */
  get #canBeFollowed(): boolean {
    const takesRange = (this.#operations.offering("read")?.parameters.length ?? 0) >= 2;
    return takesRange && this.#operations.offering("follow") !== undefined;
  }

  async #follow(turn: number): Promise<void> {
    const splitter = new LineSplitter();
    let copy: HistoryReplica | undefined;
    const take = (line: string) => {
      if (turn !== this.#turn) return;
      if (copy === undefined) copy = this.#open(line, turn);
      else if (copy.apply(line)) this.#history.mark();
      else this.#begin(turn);
    };
    const following = this.#exchanges.request({
      user: this.user,
      operation: followOperation,
      by: "page",
      purpose: "to follow the history",
      onResponse: (bytes) => splitter.push(bytes).forEach(take),
    });
    this.#following = following;
    await following?.over;
    if (turn !== this.#turn || following === undefined) return;
    this.#following = undefined;
    this.#giveUp(following);
  }

  /** The copy is out of step with the server: nothing of it can be believed, and a new one is made. */
  #begin(turn: number): void {
    if (turn !== this.#turn) return;
    this.#history.show(new HistoryReplica());
    void this.start();
  }

  /** The first line of a follow says where it begins. */
  #open(line: string, turn: number): HistoryReplica | undefined {
    const first = decodeFollowing(line);
    if (first === undefined) return undefined;
    const copy = new HistoryReplica(first - 1);
    void this.#show(copy, turn);
    return copy;
  }

  async #show(copy: HistoryReplica, turn: number): Promise<void> {
    const old = this.#history.current;
    const missed = copy.mark(copy.last);
    const since: Deletion[] = [];
    const stop = copy.listen((_, deletion) => deletion !== undefined && since.push(deletion));
    const isRead = await this.#read(copy, old.last, turn);
    stop();
    copy.unmark(missed);
    if (turn !== this.#turn) return;
    if (!isRead) this.words = "The lines before could not be read.";
    if (old.last > 0) this.#resume(old, copy, missed.position - (missed.isGone ? 1 : 0), since);
    this.#history.show(copy);
    this.#failures = 0;
    this.state = "live";
  }

  /** Takes over what is still right, and marks where lines were missed. */
  #resume(old: HistoryReplica, copy: HistoryReplica, missedTo: number, since: readonly Deletion[]): void {
    const { lastSeen } = resume(old, copy, missedTo, since);
    if (lastSeen === undefined) return this.#history.markGap(copy, missedTo + 1, undefined);
    // The last of them is the line of this follow's own request.
    const lines = missedTo - lastSeen - 1;
    if (lines > 0) this.#history.markGap(copy, lastSeen + 1, lines);
  }

  /** Reads the newest lines, or those around the last one seen. While lines are deleted they are read again, a few times. */
  async #read(copy: HistoryReplica, seen: number, turn: number): Promise<boolean> {
    this.isReading = true;
    try {
      for (let attempt = 1; attempt <= pageAttemptsMax && turn === this.#turn && copy.last > 0; attempt++) {
        const range = rangeToResume(seen === 0 ? copy.last : seen, copy.last, historyPageLines);
        const order = { user: this.user, ...range, purpose: "to show the lines before" };
        if (await readInto(this.#exchanges, copy, order)) return true;
      }
      return copy.last === 0;
    } finally {
      this.isReading = false;
    }
  }

  #nextTurn(): number {
    this.#turn += 1;
    this.countdown.stop();
    this.#history.mark();
    return this.#turn;
  }

  /** It ended without being asked to: for good when the server refused, otherwise for a while. */
  #giveUp(exchange: Exchange): void {
    this.words = describe(exchange);
    if (exchange.state === "done" && exchange.answer !== "accepted") {
      this.state = "refused";
      return;
    }
    this.#forgetFormerFailure(exchange);
    this.#failures += 1;
    this.state = "waiting";
    this.countdown.start(backoffMs(this.#failures, Math.random()), () => void this.start());
  }

  /** While a server is away one failed attempt after the other would fill the transcript: the last one is enough. */
  #forgetFormerFailure(exchange: Exchange): void {
    const former = this.#lastFailed;
    if (former !== undefined && former !== this.#exchanges.selected) this.#exchanges.forget(former);
    this.#lastFailed = exchange.state === "failed" && exchange.receivedBytes === 0 ? exchange : undefined;
  }
}

/** Another service answered: the reply has another form, or does not end, as this protocol's replies do. */
function isForeign({ state, answer, receivedBytes, failure }: Exchange): boolean {
  const isWhole = state === "done" && answer === "accepted";
  return receivedBytes > 0 && (isWhole || failure?.code === "reply-timeout");
}

function describe(exchange: Exchange): string {
  if (exchange.failure !== undefined) return sentence(exchange.failure.message);
  const refusal = refusalOf(exchange);
  if (refusal !== undefined) return `The server refused ${exchange.message.trim()}: ${refusal}`;
  return "The server ended the connection; it may be stopping.";
}
