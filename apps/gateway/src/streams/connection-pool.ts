/**
 * The connections to targets, shared by all WebSockets: at most so many at once, and a bounded queue for the rest [G-5].
 *
 * One WebSocket has at most its share of them, so that one that stalls, follows, holds conversations or floods leaves
 * capacity for the others. Those that wait are served in turn, each in the order of its requests.
 */

import type { GatewayLimits } from "../limits.ts";

/** A stream that needs a connection. Exactly one of the two is called, once, unless it leaves before. */
export interface SlotUser {
  /** Its WebSocket. */
  readonly owner: object;
  /** It has a connection until it leaves. May be called before `enter` returns. */
  onSlot(): void;
  /** It gets none, and has left. May be called before `enter` returns. */
  onBusy(message: string): void;
}

type PoolLimits = Pick<GatewayLimits, "queuedStreamsMax" | "queueWaitMs" | "sharesAtLeast">;

/** What one WebSocket has and what it waits for. */
interface Share {
  readonly running: Set<SlotUser>;
  readonly waiting: Map<SlotUser, NodeJS.Timeout>;
}

/** Connections that one WebSocket may have: at least two if there are two, so that it can send requests while it follows. */
export function shareOf(slotsMax: number, sharesAtLeast: number): number {
  return Math.min(slotsMax, Math.max(2, Math.ceil(slotsMax / sharesAtLeast)));
}

/** The pool of one gateway. */
export class ConnectionPool {
  readonly slotsMax: number;
  readonly #limits: PoolLimits;
  readonly #shareMax: number;
  readonly #shares = new Map<object, Share>();
  /** Shares that may get a slot and have a user that waits; the next one first. */
  readonly #turns = new Set<Share>();
  #runningCount = 0;
  #waitingCount = 0;

  constructor(slotsMax: number, limits: PoolLimits) {
    this.slotsMax = slotsMax;
    this.#limits = limits;
    this.#shareMax = shareOf(slotsMax, limits.sharesAtLeast);
  }

  /** Connections in use. */
  get runningCount(): number {
    return this.#runningCount;
  }

  /** Streams in the queue. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Requests a connection. */
  enter(user: SlotUser): void {
    const share = this.#shareFor(user.owner);
    // A user that waits although a slot is free belongs to a WebSocket with its whole share.
    if (this.#runningCount < this.slotsMax && share.running.size < this.#shareMax) return this.#grant(user, share);
    const { queuedStreamsMax, queueWaitMs } = this.#limits;
    if (this.#waitingCount >= queuedStreamsMax) {
      this.#forgetIfIdle(user.owner, share);
      return user.onBusy(`${this.#allInUse(share)} and ${queuedStreamsMax} streams wait; try again in a moment`);
    }
    const timer = setTimeout(() => {
      const message =
        `${this.#allInUse(share)} and none became free within ${queueWaitMs} ms; ` +
        "end a follow or a conversation, or start the gateway with more --connections";
      this.#stopWaiting(user, share);
      user.onBusy(message);
    }, queueWaitMs);
    share.waiting.set(user, timer);
    this.#waitingCount += 1;
    this.#enqueue(share);
  }

  /** Gives the connection back, or the place in the queue; does nothing for a user that has neither. */
  leave(user: SlotUser): void {
    const share = this.#shares.get(user.owner);
    if (share === undefined) return;
    this.#stopWaiting(user, share);
    if (!share.running.delete(user)) return;
    this.#runningCount -= 1;
    this.#enqueue(share);
    this.#forgetIfIdle(user.owner, share);
    this.#grantNext();
  }

  #grantNext(): void {
    const [share] = this.#turns;
    if (share === undefined || this.#runningCount >= this.slotsMax) return;
    const [next] = share.waiting.keys();
    if (next === undefined) return;
    // To the end of the line: the others are next.
    this.#turns.delete(share);
    this.#stopWaiting(next, share);
    this.#grant(next, share);
  }

  #grant(user: SlotUser, share: Share): void {
    share.running.add(user);
    this.#shares.set(user.owner, share);
    this.#runningCount += 1;
    this.#enqueue(share);
    user.onSlot();
  }

  #stopWaiting(user: SlotUser, share: Share): void {
    if (!share.waiting.has(user)) return;
    clearTimeout(share.waiting.get(user));
    share.waiting.delete(user);
    this.#waitingCount -= 1;
    this.#enqueue(share);
    this.#forgetIfIdle(user.owner, share);
  }

  /** Puts a share at the end of the line if it may get a slot and is not in it; removes it if it may not. */
  #enqueue(share: Share): void {
    if (share.waiting.size > 0 && share.running.size < this.#shareMax) this.#turns.add(share);
    else this.#turns.delete(share);
  }

  #shareFor(owner: object): Share {
    const share = this.#shares.get(owner) ?? { running: new Set(), waiting: new Map() };
    this.#shares.set(owner, share);
    return share;
  }

  #forgetIfIdle(owner: object, { running, waiting }: Share): void {
    if (running.size === 0 && waiting.size === 0) this.#shares.delete(owner);
  }

  #allInUse({ running }: Share): string {
    if (this.slotsMax === 1) return "the one connection to a target is in use";
    return running.size >= this.#shareMax && this.#runningCount < this.slotsMax
      ? `this page uses the ${this.#shareMax} connections to targets that one page may have`
      : `all ${this.slotsMax} connections to targets are in use`;
  }
}
