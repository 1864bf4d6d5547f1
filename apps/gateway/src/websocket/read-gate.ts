import type { WebSocket } from "ws";

/**
 * Whether the frames of a page are read [G-9]: not while too much waits for the server in one of its exchanges, nor while
 * too much waits for the page.
 */
export class ReadGate {
  readonly #webSocket: WebSocket;
  #stalledCount = 0;
  #isOverfull = false;

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
  }

  /** True while exchanges wait for the server: the page could not answer a ping. */
  get isStalled(): boolean {
    return this.#stalledCount > 0;
  }

  /** In one more exchange too much waits for the server. */
  stall(): void {
    this.#stalledCount += 1;
    this.#apply();
  }

  /** In one exchange less. */
  flow(): void {
    this.#stalledCount -= 1;
    this.#apply();
  }

  /** Whether too many frames wait for the page although its servers are not read. */
  setOverfull(isOverfull: boolean): void {
    this.#isOverfull = isOverfull;
    this.#apply();
  }

  #apply(): void {
    if (this.isStalled || this.#isOverfull) this.#webSocket.pause();
    else if (this.#webSocket.isPaused) this.#webSocket.resume();
  }
}
