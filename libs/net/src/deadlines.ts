/**
 * The absolute deadlines of many things, such as a server's connections, on one timer.
 *
 * A connection sets a deadline several times in its life of a few milliseconds and hardly ever lets one pass. So setting
 * one writes down a number, and a single timer goes off for the earliest of them, or earlier and in vain.
 *
 * The loop may have been busy for longer than a deadline while bytes lay ready in the kernel. Timers run before those
 * are read and an immediate runs after, so what is due is looked at once more, and only what is still due then expires.
 */

/** Something that has a deadline, or has none for now. */
export interface Expiring {
  /** On the clock of `performance.now`; `Infinity` is none. */
  readonly dueMs: number;
  /** Called when `dueMs` has passed; what has a deadline still is called again. */
  expire(nowMs: number): void;
}

/** Things that may expire, and the one timer that they share. */
export class Deadlines {
  readonly #watched = new Set<Expiring>();
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Infinity;

  /** Watches something until `delete`. */
  add(expiring: Expiring): void {
    this.#watched.add(expiring);
    this.notice(expiring.dueMs);
  }

  delete(expiring: Expiring): void {
    this.#watched.delete(expiring);
  }

  /** Must be called with each deadline that is set on what is watched. */
  notice(dueMs: number): void {
    if (dueMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = dueMs;
    this.#timer = setTimeout(() => this.#look(), Math.ceil(dueMs - performance.now())).unref();
  }

  #look(): void {
    setImmediate(() => {
      const nowMs = performance.now();
      for (const expiring of this.#watched) {
        if (expiring.dueMs <= nowMs) expiring.expire(nowMs);
      }
      this.#timerMs = Infinity;
      let earliestMs = Infinity;
      for (const { dueMs } of this.#watched) earliestMs = Math.min(earliestMs, dueMs);
      this.notice(earliestMs);
    });
  }
}
