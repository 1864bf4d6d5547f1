/**
 * What a trusted proxy sends before a message: for whom it connects [W-20].
 *
 * It stands in front of the reading of a message and takes its bytes off the stream, however they were cut. Whether there
 * is one follows from the peer's address alone, never from what came.
 */

import { readProxyHeader } from "@wirebook/net";
import { joinBytes } from "@wirebook/protocol";
import { ServerError } from "../errors.ts";

/** The header of one connection. */
export class ProxyHeaderReceiver {
  readonly #proxy: string;
  #held: Uint8Array = new Uint8Array(0);
  #address: string | undefined;
  #isWhole = false;

  /** @param proxy the address of the peer, which is trusted */
  constructor(proxy: string) {
    this.#proxy = proxy;
  }

  /** For whom the proxy connects; the proxy itself until that is known, or when it says that it speaks for itself. */
  get address(): string {
    return this.#address ?? this.#proxy;
  }

  /** True when the peer closes in the middle of its header. */
  get isCut(): boolean {
    return !this.#isWhole && this.#held.length > 0;
  }

  /**
   * Takes what came and gives back what belongs to the message.
   *
   * @throws ServerError `proxy-header` when this is no header
   */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#isWhole) return chunk;
    this.#held = joinBytes(this.#held, chunk);
    const reading = readProxyHeader(this.#held);
    if (reading.state === "invalid") throw this.problem(reading.problem);
    if (reading.state === "incomplete") return new Uint8Array(0);
    this.#isWhole = true;
    this.#address = reading.connection?.source.address;
    return this.#held.subarray(reading.length);
  }

  /** What a peer is told whose header is none. */
  problem(why: string): ServerError {
    return new ServerError(
      "proxy-header",
      `a connection from ${this.#proxy} must begin with a PROXY header of version 2, and ${why}; ` +
        "start the gateway with --proxy-protocol, or connect from another address",
    );
  }
}
