/** The signs of life of one page's machine [G-10]: whatever it sends, and whatever it takes. */
export class Heartbeat {
  #isHeard = true;
  #takenCount = 0;
  #pingedMs: number | undefined;

  /** True when the page sent something since the last look. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** The page sent something. */
  hear(): void {
    this.#isHeard = true;
  }

  /** A ping goes out. */
  ping(nowMs: number): void {
    this.#pingedMs = nowMs;
  }

  /** An answer came; returns how many milliseconds after the ping, unless it answers none. */
  pong(nowMs: number): number | undefined {
    this.#isHeard = true;
    const tookMs = this.#pingedMs === undefined ? undefined : nowMs - this.#pingedMs;
    this.#pingedMs = undefined;
    return tookMs;
  }

  /**
   * True when there was a sign of life since the last look.
   *
   * @param takenCount frames that the page's machine has taken so far: one that reads slowly shows its life by that
   */
  look(takenCount: number): boolean {
    const isAlive = this.#isHeard || takenCount > this.#takenCount;
    this.#isHeard = false;
    this.#takenCount = takenCount;
    return isAlive;
  }
}
