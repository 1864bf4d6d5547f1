/** Who is let in: so many connections at once, and no more than a share of them from one address [W-18]. */

import { networkOf } from "@wirebook/net";
import { ServerError } from "../errors.ts";
import type { Limits } from "../limits.ts";

/** The connections that are being served, counted. */
export class ConnectionLimiter {
  readonly #connectionsMax: number;
  readonly #perAddressMax: number;
  readonly #trusted: ReadonlySet<string>;
  readonly #ofAddress = new Map<string, number>();
  #count = 0;

  /** @param trusted addresses of proxies, which stand for many and have a limit for each of their own [W-20] */
  constructor({ connectionsMax, connectionsPerAddressMax }: Limits, trusted: ReadonlySet<string>) {
    this.#connectionsMax = connectionsMax;
    this.#perAddressMax = connectionsPerAddressMax;
    this.#trusted = trusted;
  }

  /** Takes a seat, which `release` gives back; or returns why there is none. */
  acquire(address: string): ServerError | undefined {
    if (this.#count >= this.#connectionsMax) {
      return new ServerError(
        "connections-max",
        `${this.#connectionsMax} connections are open, which is the limit; try again in a moment`,
      );
    }
    const peer = networkOf(address);
    const ofPeer = this.#ofAddress.get(peer) ?? 0;
    if (ofPeer >= this.#perAddressMax && !this.#trusted.has(address)) {
      return new ServerError(
        "address-max",
        `${ofPeer} connections from ${peer} are open, which is the limit for one address; try again in a moment`,
      );
    }
    this.#count += 1;
    this.#ofAddress.set(peer, ofPeer + 1);
    return undefined;
  }

  /** Gives back a seat that `acquire` took for the same address. */
  release(address: string): void {
    const peer = networkOf(address);
    const left = (this.#ofAddress.get(peer) ?? 0) - 1;
    this.#count -= 1;
    if (left > 0) this.#ofAddress.set(peer, left);
    else this.#ofAddress.delete(peer);
  }
}
