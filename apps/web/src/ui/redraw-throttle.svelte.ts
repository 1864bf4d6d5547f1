/** Outside a browser there is no screen to wait for. */
const nextFrame: (draw: () => void) => void = globalThis.requestAnimationFrame ?? queueMicrotask;

/** What is not drawn with every frame takes no more than one part in so many of the page's time. */
const drawingShare = 8;

/** Milliseconds that it waits at most for that: a drawing may seem to take an hour, as when the machine was put to sleep. */
const pauseMsMax = 500;

/**
 * Tells the drawing that plain data changed, at most once a frame of the screen. What grows by a thousand lines a second
 * would cost too much as state: it is kept in plain fields, its getters call `listen`, and each change calls `mark`.
 */
export class RedrawThrottle {
  #beat = $state(0);
  #isDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawnMs = -Infinity;
  /** How long the page's thread was busy with the last drawing. */
  #tookMs = 0;
  readonly #everyMs: number;

  /** @param everyMs milliseconds from one drawing to the next, of what costs much or could not be read otherwise */
  constructor(everyMs = 0) {
    this.#everyMs = everyMs;
  }

  listen(): number {
    return this.#beat;
  }

  /**
   * What is drawn has changed: the first change is drawn in the next frame, the last one when its time comes.
   *
   * @param isLast it will not change again, so it is drawn without waiting
   */
  mark(isLast = false): void {
    const isWaiting = this.#timer !== undefined;
    if (this.#isDue && !(isLast && isWaiting)) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = true;
    const pauseMs = Math.max(this.#everyMs, Math.min(this.#tookMs * drawingShare, pauseMsMax));
    const leftMs = isLast ? 0 : this.#drawnMs + pauseMs - performance.now();
    if (leftMs <= 0) nextFrame(() => this.#draw());
    else this.#timer = setTimeout(() => nextFrame(() => this.#draw()), leftMs);
  }

  #draw(): void {
    this.#isDue = false;
    this.#timer = undefined;
    this.#drawnMs = performance.now();
    this.#beat += 1;
    // A timer runs once the frame is out, with all that the browser does for it.
    if (this.#everyMs > 0) setTimeout(() => (this.#tookMs = performance.now() - this.#drawnMs));
  }
}
