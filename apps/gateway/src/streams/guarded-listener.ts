import type { Exchange, ExchangeError, ExchangeListener } from "@wirebook/net";
import type { EndReason, Step } from "@wirebook/protocol";

/** Who hears of what a listener throws. */
export interface MistakeOwner {
  onInternalError(error: unknown): void;
}

/**
 * Passes on what an exchange tells, and takes what the listener throws: an exception in a listener of a socket would end
 * the process, and with it every other page's connection.
 *
 * One object for an exchange; a guarded closure for each of the six was the most that an exchange allocated.
 */
export class GuardedListener implements ExchangeListener {
  readonly #listener: Required<ExchangeListener>;
  readonly #owner: MistakeOwner;

  constructor(listener: Required<ExchangeListener>, owner: MistakeOwner) {
    this.#listener = listener;
    this.#owner = owner;
  }

  onStep(step: Step, exchange: Exchange): void {
    try {
      this.#listener.onStep(step, exchange);
    } catch (error) {
      this.#owner.onInternalError(error);
    }
  }

  onWrite(bytes: Uint8Array, exchange: Exchange): void {
    try {
      this.#listener.onWrite(bytes, exchange);
    } catch (error) {
      this.#owner.onInternalError(error);
    }
  }

  onChunk(chunk: Uint8Array, exchange: Exchange): void {
    try {
      this.#listener.onChunk(chunk, exchange);
    } catch (error) {
      this.#owner.onInternalError(error);
    }
  }

  onDrain(exchange: Exchange): void {
    try {
      this.#listener.onDrain(exchange);
    } catch (error) {
      this.#owner.onInternalError(error);
    }
  }

  onEnd(reason: EndReason, exchange: Exchange): void {
    try {
      this.#listener.onEnd(reason, exchange);
    } catch (error) {
      this.#owner.onInternalError(error);
    }
  }

  onError(cause: ExchangeError, exchange: Exchange): void {
    try {
      this.#listener.onError(cause, exchange);
    } catch (error) {
      this.#owner.onInternalError(error);
    }
  }
}
