/**
 * Keeps the history shown in step with the server's.
 *
 * It follows with operation 5 from the next line on, so that every line that comes is a change and none is a memory of
 * one: an old `deleted line 3` must not delete anything again. The lines before are then read with operation 2, one
 * line further than needed; only when that line is the very one that the follow brought do both views belong together.
 * Otherwise lines were deleted in between, and the page is read again. After a reconnect the same happens, and older
 * lines that are still shown are kept if they still fit, so that nothing shows twice.
 *
 * All of it is requests like any other, in the name of the user, and the transcript shows them as the page's own.
 */

import { decodeFollowing } from "@wirebook/protocol";
import type { Operations } from "../composer/operations.svelte.ts";
import type { Exchange } from "../exchange/exchange.svelte.ts";
import type { Exchanges } from "../exchange/exchanges.svelte.ts";
import { refusalOf, sentence } from "../exchange/outcome.ts";
import { backoffMs } from "../gateway/backoff.ts";
import { Countdown } from "../gateway/countdown.svelte.ts";
import { historyPageLines, joinAttemptsMax } from "../limits.ts";
import { HistoryCopy } from "./history-copy.ts";
import type { History } from "./history.svelte.ts";
import { LineSplitter } from "./line-splitter.ts";
import { fetchHistory, keepOlder, readBefore } from "./reading.ts";

/**
 * - `idle`: no user has begun, or there is no gateway
 * - `joining`: asking, following, reading the lines before
 * - `live`: in step
 * - `waiting`: it failed and is tried again after the countdown
 * - `unfollowable`: the server does not announce a follow; the history is fetched when asked for
 * - `refused`: the server does not want this user
 * - `stopped`: the user stopped it
 */
export type FollowState = "idle" | "joining" | "live" | "waiting" | "unfollowable" | "refused" | "stopped";

const readOperation = 2;
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
  #wakers: (() => void)[] = [];

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
    if (this.#operations.offering("follow") !== undefined) return this.#follow(turn);
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

  /** Reads the lines before the first that is shown. */
  async loadEarlier(): Promise<void> {
    const copy = this.#history.copy;
    if (this.isReading || copy.first === 1) return;
    if (!(await this.#join(copy, this.#turn))) this.words = "The earlier lines could not be read; try again.";
    this.#history.mark();
  }

  /** Reads the whole history anew, from a server that cannot be followed. */
  async fetch(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    const { exchange, copy } = await fetchHistory(this.#exchanges, this.user, readOperation);
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
    const asked = this.#exchanges.request({ user: this.user, by: "page", purpose: "to learn what this server can do" });
    await asked?.over;
    if (turn !== this.#turn || asked === undefined) return false;
    if (this.#operations.list !== undefined) return true;
    this.#giveUp(asked);
    return false;
  }

  async #follow(turn: number): Promise<void> {
    const splitter = new LineSplitter();
    let copy: HistoryCopy | undefined;
    const take = (line: string) => {
      if (turn !== this.#turn) return;
      if (copy === undefined) copy = this.#open(line, turn);
      else if (copy.apply(line)) this.#tell();
      // The copy is out of step with the server: a new one is made.
      else void this.start();
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

  /** The first line of a follow says where it begins. */
  #open(line: string, turn: number): HistoryCopy | undefined {
    const first = decodeFollowing(line);
    if (first === undefined) return undefined;
    const copy = new HistoryCopy(first);
    void this.#show(copy, turn);
    return copy;
  }

  async #show(copy: HistoryCopy, turn: number): Promise<void> {
    const isJoined = await this.#join(copy, turn);
    if (turn !== this.#turn) return;
    if (isJoined) keepOlder(this.#history.copy, copy);
    else this.words = "The lines before could not be read.";
    this.#history.show(copy);
    this.#failures = 0;
    this.state = "live";
  }

  /** Puts a page of lines before the copy's first. Until both fit together it is read again, a few times. */
  async #join(copy: HistoryCopy, turn: number): Promise<boolean> {
    this.isReading = true;
    try {
      for (let attempt = 1; attempt <= joinAttemptsMax && turn === this.#turn; attempt++) {
        const waitFor = (position: number) => this.#waitFor(copy, position, turn);
        const order = { user: this.user, operation: readOperation, lines: historyPageLines };
        if (await readBefore(this.#exchanges, copy, order, waitFor)) return true;
      }
      return false;
    } finally {
      this.isReading = false;
    }
  }

  /** Settles when the copy has a line at a position, or the turn is over. */
  async #waitFor(copy: HistoryCopy, position: number, turn: number): Promise<void> {
    while (turn === this.#turn && copy.next <= position) {
      await new Promise<void>((wake) => this.#wakers.push(wake));
    }
  }

  #tell(): void {
    this.#history.mark();
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  #nextTurn(): number {
    this.#turn += 1;
    this.countdown.stop();
    this.#tell();
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

function describe(exchange: Exchange): string {
  if (exchange.failure !== undefined) return sentence(exchange.failure.message);
  const refusal = refusalOf(exchange);
  if (refusal !== undefined) return `The server refused ${exchange.message.trim()}: ${refusal}`;
  return "The server ended the connection; it may be stopping.";
}
