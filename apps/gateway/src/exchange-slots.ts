/**
 * The connections to the server, shared by all pages: at most so many at once, and a bounded queue for the rest [G-5].
 *
 * First come, first served. Nothing is granted while somebody who came earlier waits.
 */

/** Somebody who needs a connection. Exactly one of the two is called, once, unless he leaves before. */
export interface SlotUser {
  /** There is a connection for him until he leaves. May be called before `enter` returns. */
  onSlot(): void;
  /** There is none, and he is out. May be called before `enter` returns. */
  onBusy(sentence: string): void;
}

/** How many, and how long to wait. */
export interface SlotLimits {
  readonly queuedExchangesMax: number;
  readonly queueWaitMs: number;
}

/** The slots of one gateway. */
export class ExchangeSlots {
  readonly slotsMax: number;
  readonly #limits: SlotLimits;
  readonly #running = new Set<SlotUser>();
  readonly #waiting = new Map<SlotUser, NodeJS.Timeout>();

  constructor(slotsMax: number, limits: SlotLimits) {
    this.slotsMax = slotsMax;
    this.#limits = limits;
  }

  /** Connections in use. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Exchanges in the queue. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Asks for a connection. */
  enter(user: SlotUser): void {
    if (this.#running.size < this.slotsMax) return this.#grant(user);
    const { queuedExchangesMax, queueWaitMs } = this.#limits;
    if (this.#waiting.size >= queuedExchangesMax) {
      return user.onBusy(`${this.#allInUse()} and ${queuedExchangesMax} exchanges wait already; try again in a moment`);
    }
    const timer = setTimeout(() => {
      this.#waiting.delete(user);
      user.onBusy(
        `${this.#allInUse()} and none became free within ${queueWaitMs} ms; ` +
          "end a follow, or start the gateway with more --server-connections",
      );
    }, queueWaitMs);
    this.#waiting.set(user, timer);
  }

  /** Gives the connection back, or the place in the queue; does nothing for somebody who has neither. */
  leave(user: SlotUser): void {
    clearTimeout(this.#waiting.get(user));
    this.#waiting.delete(user);
    if (!this.#running.delete(user)) return;
    const [next] = this.#waiting.keys();
    if (next === undefined || this.#running.size >= this.slotsMax) return;
    clearTimeout(this.#waiting.get(next));
    this.#waiting.delete(next);
    this.#grant(next);
  }

  #grant(user: SlotUser): void {
    this.#running.add(user);
    user.onSlot();
  }

  #allInUse(): string {
    return this.slotsMax === 1
      ? "the one connection to the server is in use"
      : `all ${this.slotsMax} connections to the server are in use`;
  }
}
