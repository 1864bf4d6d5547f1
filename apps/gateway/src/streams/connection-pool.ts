/**
 * The connections to targets, shared by all WebSockets: at most so many at once, and a bounded queue for the rest [G-5]. One
 * WebSocket has at most its share, so that one that stalls or floods leaves capacity for the others. Those that wait are
 * served in turn, each in the order of its requests.
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

/** Of one WebSocket. */
interface Share {
  runningCount: number;
  readonly waiting: Set<SlotUser>;
}

/** Connections that one WebSocket may have: at least two if there are two, so that it can send requests while it follows. */
export function shareOf(slotsMax: number, sharesAtLeast: number): number {
  return Math.min(slotsMax, Math.max(2, Math.ceil(slotsMax / sharesAtLeast)));
}

export class ConnectionPool {
  readonly slotsMax: number;
  readonly #limits: PoolLimits;
  readonly #shareMax: number;
  readonly #running = new Set<SlotUser>();
  readonly #waiting = new Map<SlotUser, NodeJS.Timeout>();
  readonly #shares = new WeakMap<object, Share>();
  /** Shares with a user that waits; the one whose turn it is first. */
  readonly #turns = new Set<Share>();

  constructor(slotsMax: number, limits: PoolLimits) {
    this.slotsMax = slotsMax;
    this.#limits = limits;
    this.#shareMax = shareOf(slotsMax, limits.sharesAtLeast);
  }

  get runningCount(): number {
    return this.#running.size;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  enter(user: SlotUser): void {
    const share = this.#shareFor(user);
    // A user that waits although a slot is free belongs to a WebSocket with its whole share.
    if (this.#running.size < this.slotsMax && share.runningCount < this.#shareMax) return this.#grant(user, share);
    const { queuedStreamsMax, queueWaitMs } = this.#limits;
    if (this.#waiting.size >= queuedStreamsMax) {
      return user.onBusy(`${this.#allInUse(share)} and ${queuedStreamsMax} streams wait; try again in a moment`);
    }
    const timer = setTimeout(() => {
      const advice = "end a follow or a conversation, or start the gateway with more --connections";
      const message = `${this.#allInUse(share)} and none became free within ${queueWaitMs} ms; ${advice}`;
      this.#stopWaiting(user, share);
      user.onBusy(message);
    }, queueWaitMs);
    this.#waiting.set(user, timer);
    share.waiting.add(user);
    this.#turns.add(share);
  }

  /** Gives the connection back, or the place in the queue; does nothing for a user that has neither. */
  leave(user: SlotUser): void {
    const share = this.#shareFor(user);
    this.#stopWaiting(user, share);
    if (!this.#running.delete(user)) return;
    share.runningCount -= 1;
    for (const next of this.#turns) {
      const [first] = next.waiting;
      if (first === undefined || next.runningCount >= this.#shareMax) continue;
      this.#stopWaiting(first, next);
      // To the end of the line: the others are next.
      if (this.#turns.delete(next)) this.#turns.add(next);
      return this.#grant(first, next);
    }
  }

  #grant(user: SlotUser, share: Share): void {
    this.#running.add(user);
    share.runningCount += 1;
    user.onSlot();
  }

  #stopWaiting(user: SlotUser, share: Share): void {
    if (!share.waiting.delete(user)) return;
    clearTimeout(this.#waiting.get(user));
    this.#waiting.delete(user);
    if (share.waiting.size === 0) this.#turns.delete(share);
  }

  #shareFor({ owner }: SlotUser): Share {
    const share = this.#shares.get(owner) ?? { runningCount: 0, waiting: new Set() };
    this.#shares.set(owner, share);
    return share;
  }

  #allInUse({ runningCount }: Share): string {
    return runningCount >= this.#shareMax && this.#running.size < this.slotsMax
      ? `this page uses the ${this.#shareMax} connections to targets that one page may have`
      : `all connections to targets are in use (${this.slotsMax})`;
  }
}
