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
