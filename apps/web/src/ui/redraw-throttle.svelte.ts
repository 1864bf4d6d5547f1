/** Outside a browser there is no screen to wait for. */
const nextFrame: (draw: () => void) => void = globalThis.requestAnimationFrame ?? queueMicrotask;

/** What is not drawn with every frame takes no more than one part in so many of the page's time. */
const drawingShare = 8;

/** Milliseconds that it waits at most for that: a drawing may seem to take an hour, as when the machine was put to sleep. */
const pauseMsMax = 1000;

/**
 * Tells the drawing that plain data changed, at most once a frame of the screen. What grows by a thousand lines a second
 * would cost too much as state: it is kept in plain fields, its getters call `listen`, and each change calls `mark`.
 */
export class RedrawThrottle {
  #beat = $state(0);
  #isDue = false;
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

  /** What is drawn has changed: the first change is drawn in the next frame, the last one when its time comes. */
  mark(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const draw = () => {
      this.#isDue = false;
      this.#drawnMs = performance.now();
      this.#beat += 1;
      // A timer runs once the frame is out, with all that the browser does for it.
      if (this.#everyMs > 0) setTimeout(() => (this.#tookMs = performance.now() - this.#drawnMs));
    };
    const pauseMs = Math.max(this.#everyMs, Math.min(this.#tookMs * drawingShare, pauseMsMax));
    const leftMs = this.#drawnMs + pauseMs - performance.now();
    if (leftMs <= 0) nextFrame(draw);
    else setTimeout(() => nextFrame(draw), leftMs);
  }
}
