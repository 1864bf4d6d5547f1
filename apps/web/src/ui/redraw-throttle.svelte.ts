/** Outside a browser there is no screen to wait for. */
const nextFrame: (draw: () => void) => void = globalThis.requestAnimationFrame ?? queueMicrotask;

/**
 * Tells the drawing that plain data changed, at most once a frame of the screen.
 *
 * A thousand lines a second may come; as proxied state each would cost more than it is worth. So what grows fast is
 * kept in plain fields, its getters call `listen`, and each change calls `mark`. While the tab is hidden the
 * browser asks for no frames: the data goes on and is drawn once when the tab is seen again.
 */
export class RedrawThrottle {
  #beat = $state(0);
  #isDue = false;
  #drawnMs = -Infinity;
  readonly #everyMs: number;

  /** @param everyMs milliseconds between two drawings of what costs much: a diagram that changes with every frame of the screen could not be read */
  constructor(everyMs = 0) {
    this.#everyMs = everyMs;
  }

  /** Makes the effect or the derived value that is running depend on this pulse. */
  listen(): number {
    return this.#beat;
  }

  /** What is drawn has changed: the first change is drawn in the next frame, the last one when its time comes. */
  mark(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const leftMs = this.#everyMs === 0 ? 0 : this.#drawnMs + this.#everyMs - performance.now();
    if (leftMs <= 0) nextFrame(() => this.#draw());
    else setTimeout(() => nextFrame(() => this.#draw()), leftMs);
  }

  #draw(): void {
    this.#isDue = false;
    if (this.#everyMs > 0) this.#drawnMs = performance.now();
    this.#beat += 1;
  }
}
