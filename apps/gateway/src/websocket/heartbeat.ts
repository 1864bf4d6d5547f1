/** The signs of life of one page's machine [G-10]: what it sends and what it receives. */
export class Heartbeat {
  #isHeard = true;
  #takenCount = 0;
  #pingedMs: number | undefined;

  /** True when the page sent something since the last check. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** The page sent something. */
  touch(): void {
    this.#isHeard = true;
  }

  /** A ping goes out. */
  ping(nowMs: number): void {
    this.#pingedMs = nowMs;
  }

  /** An answer came; returns how many milliseconds after the ping, or `undefined` when there was no ping. */
  pong(nowMs: number): number | undefined {
    this.#isHeard = true;
    const tookMs = this.#pingedMs === undefined ? undefined : nowMs - this.#pingedMs;
    this.#pingedMs = undefined;
    return tookMs;
  }

  /**
   * True when there was a sign of life since the last check.
   *
   * @param takenCount grows while the page's machine receives frames, which a slow reader does
   */
  check(takenCount: number): boolean {
    const isAlive = this.#isHeard || takenCount > this.#takenCount;
    this.#isHeard = false;
    this.#takenCount = takenCount;
    return isAlive;
  }
}
