/**
 * One deadline that may be put off, on a timer of its own.
 *
 * Timers run before the bytes are read that lie ready in the kernel after a busy turn of the event loop, and an immediate
 * runs after them. So a deadline that is due waits for one immediate, in which it can still be put off.
 */
export class Deadline {
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #pending: NodeJS.Immediate | undefined;
  readonly #wait = (): void => {
    this.#pending = setImmediate(this.#onPassed);
  };

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** Replaces the one before; `Infinity` sets none. */
  set(withinMs: number): void {
    this.clear();
    if (withinMs !== Infinity) this.#timer = setTimeout(this.#wait, withinMs);
  }

  /** Begins the time that was last set anew. */
  refresh(): void {
    clearImmediate(this.#pending);
    this.#timer?.refresh();
  }

  clear(): void {
    clearImmediate(this.#pending);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
