import { setImmediate as turn } from "node:timers/promises";
import { vi } from "vitest";

/**
 * A clock of this process that stands still until a test moves it on: a deadline passes when the test says so, and not
 * when the machine was busy. Timers and `performance.now` go by it; sockets, promises, `setImmediate` and `Date` do not.
 * Make it before the parts that it is for, and dispose of it behind them.
 */
export class HeldClock implements Disposable {
  constructor() {
    // Whole milliseconds: a timer that is due in a fraction of one would otherwise go off before its deadline.
    const nowMs = Math.ceil(performance.now());
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
    this.pass(nowMs);
  }

  /** Lets time pass; the timers that are due run before this returns. */
  pass(ms: number): void {
    vi.advanceTimersByTime(ms);
  }

  /** Lets the event loop go round until something holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await turn();
  }

  /** Timers that are left run, since their owners may count on them. */
  [Symbol.dispose](): void {
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
  }
}
