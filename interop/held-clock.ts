import { vi } from "vitest";

/**
 * A clock of this process that stands still until a test moves it on, so that a deadline passes when the test says so
 * and not when the machine was busy. Timers and `performance.now` go by it; sockets, promises, `setImmediate` and
 * `Date` do not. Make it before what it is for, and dispose of it afterwards.
 */
export class HeldClock implements Disposable {
  constructor() {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  }

  /** Timers that wait. */
  get timers(): number {
    return vi.getTimerCount();
  }

  /** Lets time pass; the timers that are due run before this returns. */
  pass(ms: number): void {
    vi.advanceTimersByTime(ms);
  }

  [Symbol.dispose](): void {
    vi.useRealTimers();
  }
}
