/** Waits for a while, says how many seconds are left, and can be cut short. */
export class Countdown {
  /** Whole seconds left, at least 1 while it runs; 0 when it does not. */
  seconds = $state(0);
  #timer: ReturnType<typeof setInterval> | undefined;
  #then: (() => void) | undefined;

  /** Calls `then` after `waitMs`, or earlier when `finish` is called. One that runs already is replaced. */
  start(waitMs: number, then: () => void): void {
    this.stop();
    const until = performance.now() + waitMs;
    const look = () => {
      const left = until - performance.now();
      if (left <= 0) this.finish();
      else this.seconds = Math.ceil(left / 1000);
    };
    this.#then = then;
    this.#timer = setInterval(look, 200);
    look();
  }

  /** Waits no longer. */
  finish(): void {
    const then = this.#then;
    this.stop();
    then?.();
  }

  /** Forgets what it waited for. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#then = undefined;
    this.seconds = 0;
  }
}
