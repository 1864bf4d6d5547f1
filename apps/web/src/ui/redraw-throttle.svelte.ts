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

  /** Makes the effect or the derived value that is running depend on this pulse. */
  listen(): number {
    return this.#beat;
  }

  mark(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    nextFrame(() => {
      this.#isDue = false;
      this.#beat += 1;
    });
  }
}

/**
 * Redraws what costs much at most so often: the first change is drawn at once, the last one when its time comes. A
 * diagram that is another one in every frame of the screen could not be read.
 */
export class PacedRedraw {
  #beat = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawnMs = -Infinity;
  readonly #everyMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  listen(): number {
    return this.#beat;
  }

  /** What is drawn has changed. */
  mark(): void {
    if (this.#timer !== undefined) return;
    const leftMs = this.#drawnMs + this.#everyMs - performance.now();
    if (leftMs <= 0) this.#draw();
    else this.#timer = setTimeout(() => this.#draw(), leftMs);
  }

  #draw(): void {
    this.#timer = undefined;
    this.#drawnMs = performance.now();
    this.#beat += 1;
  }
}
