import type { WebSocket } from "ws";

/**
 * Whether the frames of a page are read [G-9]: not while a server takes too little of one of its exchanges, nor while the
 * page itself takes too little of what it is sent.
 */
export class ReadGate {
  readonly #socket: WebSocket;
  #stalledCount = 0;
  #isOverfull = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** True while exchanges wait for the server: the page could not answer a ping. */
  get isStalled(): boolean {
    return this.#stalledCount > 0;
  }

  /** So much waits for the server in one more exchange that the page should not send more. */
  stall(): void {
    this.#stalledCount += 1;
    this.#decide();
  }

  /** In one exchange less. */
  flow(): void {
    this.#stalledCount -= 1;
    this.#decide();
  }

  /** Whether frames to the page pile up although its servers are not read. */
  setOverfull(isOverfull: boolean): void {
    this.#isOverfull = isOverfull;
    this.#decide();
  }

  #decide(): void {
    if (this.isStalled || this.#isOverfull) this.#socket.pause();
    else if (this.#socket.isPaused) this.#socket.resume();
  }
}
