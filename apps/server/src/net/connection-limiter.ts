import { ServerError } from "../errors.ts";
import type { Limits } from "../limits.ts";

/** The connections that are being served: so many at once, and no more than a share of them from one network [W-18]. */
export class ConnectionLimiter {
  readonly #connectionsMax: number;
  readonly #perAddressMax: number;
  readonly #ofNetwork = new Map<string, number>();
  #count = 0;

  constructor({ connectionsMax, connectionsPerAddressMax }: Limits) {
    this.#connectionsMax = connectionsMax;
    this.#perAddressMax = connectionsPerAddressMax;
  }

  /**
   * Takes a seat, which `release` gives back; or returns why there is none.
   *
   * @param mayHaveAll true for whoever connects for many
   */
  acquire(network: string, mayHaveAll: boolean): ServerError | undefined {
    if (this.#count >= this.#connectionsMax) {
      return new ServerError(
        "connections-max",
        `${this.#connectionsMax} connections are open, which is the limit; try again in a moment`,
      );
    }
    const before = this.#ofNetwork.get(network) ?? 0;
    if (before >= this.#perAddressMax && !mayHaveAll) {
      return new ServerError(
        "address-max",
        `${before} connections from ${network} are open, which is the limit for one address; try again in a moment`,
      );
    }
    this.#count += 1;
    this.#ofNetwork.set(network, before + 1);
    return undefined;
  }

  release(network: string): void {
    const left = (this.#ofNetwork.get(network) ?? 0) - 1;
    this.#count -= 1;
    if (left > 0) this.#ofNetwork.set(network, left);
    else this.#ofNetwork.delete(network);
  }
}
