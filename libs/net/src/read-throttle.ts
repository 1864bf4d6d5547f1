/**
 * A slow reader: each read takes at most so many bytes, and the next one waits [G-11], so that TCP's window closes (RFC 9293,
 * section 3.8.6). After `slowReadMsMax` the rest is read as it comes.
 */

import { slowReadBytesMax, slowReadMsMax, type ReadRate } from "@wirebook/protocol";

export class ReadThrottle {
  readonly #rate: ReadRate;
  readonly #onMayRead: () => void;
  readonly #slowMsMax: number;
  #untilMs = Infinity;
  #timer: NodeJS.Timeout | undefined;

  /** @param onMayRead called when a wait is over */
  constructor(rate: ReadRate, onMayRead: () => void, slowMsMax: number = slowReadMsMax) {
    this.#rate = rate;
    this.#onMayRead = onMayRead;
    this.#slowMsMax = slowMsMax;
  }

  /** True while no read may be made. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  get bytes(): number {
    return performance.now() < this.#untilMs ? this.#rate.bytes : slowReadBytesMax;
  }

  /** The connection stands. */
  begin(): void {
    this.#untilMs = performance.now() + this.#slowMsMax;
    this.#wait(this.#rate.afterMs);
  }

  /** A read was made. */
  note(): void {
    this.#wait(this.#rate.everyMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#untilMs = 0;
  }

  #wait(ms: number): void {
    const withinMs = Math.min(ms, this.#untilMs - performance.now());
    if (withinMs <= 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onMayRead();
    }, withinMs);
  }
}
