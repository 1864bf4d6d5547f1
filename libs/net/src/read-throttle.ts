/**
 * A slow reader: each read takes at most so many bytes, and the next one waits.
 *
 * The socket reads into buffers of that size (Node's `onread`), so each is one read of the kernel and nothing is read
 * ahead, except by TLS. What is not read stays in the kernel; when its buffer is full TCP's window is closed and the server is held
 * back (RFC 9293, section 3.8.6). After `slowReadMsMax` the pace ends and the rest is read as it comes.
 */

import { slowReadBytesMax, slowReadMsMax } from "@wirebook/protocol";
import type { ReadRate } from "@wirebook/protocol";

/** Says when the next read may be made. */
export class ReadThrottle {
  readonly #throttle: ReadRate;
  readonly #slowMsMax: number;
  readonly #onMayRead: () => void;
  #untilMs = Infinity;
  #timer: NodeJS.Timeout | undefined;

  /** @param onMayRead called when a wait is over */
  constructor(pace: ReadRate, onMayRead: () => void, slowMsMax: number = slowReadMsMax) {
    this.#throttle = pace;
    this.#onMayRead = onMayRead;
    this.#slowMsMax = slowMsMax;
  }

  /** True while no read may be made. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Bytes that the next read may take. */
  get bytes(): number {
    return this.#isOver ? slowReadBytesMax : this.#throttle.bytes;
  }

  /** The connection stands: the first read waits. */
  begin(): void {
    this.#untilMs = performance.now() + this.#slowMsMax;
    this.#wait(this.#throttle.afterMs);
  }

  /** A read was made: the next one waits. */
  note(): void {
    if (!this.#isOver) this.#wait(this.#throttle.everyMs);
  }

  /** Waits no longer, and never again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#untilMs = 0;
  }

  get #isOver(): boolean {
    return performance.now() >= this.#untilMs;
  }

  #wait(ms: number): void {
    if (ms === 0) return;
    const withinMs = Math.min(ms, this.#untilMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onMayRead();
    }, withinMs);
  }
}
