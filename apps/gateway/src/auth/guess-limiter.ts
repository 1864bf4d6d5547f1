/**
 * How many wrong passwords there may be: from one address (one network of IPv6), and for one name from all addresses.
 *
 * Each attempt takes a token of both, so that attempts at the same time are counted, and a right password gives them back.
 * Guessing at a name from elsewhere must not lock its owner out: where a name has logged in before, it has tokens of its own.
 */

import { networkOf } from "@wirebook/net";
import { RecentMap, TokenBucket } from "../bounds.ts";
import type { GatewayLimits } from "../limits.ts";

export class GuessLimiter {
  readonly #limits: GatewayLimits;
  readonly #networks: RecentMap<TokenBucket>;
  readonly #names: RecentMap<TokenBucket>;
  readonly #homes: RecentMap<true>;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
    this.#networks = new RecentMap(limits.guessersMax);
    this.#names = new RecentMap(limits.guessersMax);
    this.#homes = new RecentMap(limits.guessersMax);
  }

  /** Counts an attempt. When it is one too many, returns the milliseconds until there may be another. */
  take(address: string, name: string): number | undefined {
    const network = this.#networkBucket(address);
    // Names beyond an address's bound are not remembered, or it could have those forgotten at which others guess.
    if (!network.take()) return this.#limits.guessAddressRefillMs;
    if (this.#nameBucket(address, name).take()) return undefined;
    network.give();
    return this.#limits.guessNameRefillMs;
  }

  /** That attempt was right, so it was no guess. */
  giveBack(address: string, name: string): void {
    this.#networkBucket(address).give();
    this.#nameBucket(address, name).give();
    this.#homes.set(homeOf(address, name), true);
  }

  /** True where the name has logged in from that address, or its network, before. */
  isHome(address: string, name: string): boolean {
    return this.#homes.get(homeOf(address, name)) === true;
  }

  #networkBucket(address: string): TokenBucket {
    const { guessesPerAddressMax, guessAddressRefillMs } = this.#limits;
    return bucketOf(this.#networks, networkOf(address), guessesPerAddressMax, guessAddressRefillMs);
  }

  #nameBucket(address: string, name: string): TokenBucket {
    const { guessesPerNameMax, guessNameRefillMs } = this.#limits;
    const key = this.isHome(address, name) ? homeOf(address, name) : name;
    return bucketOf(this.#names, key, guessesPerNameMax, guessNameRefillMs);
  }
}

/** An address has no space in it, and neither begins a name with one. */
function homeOf(address: string, name: string): string {
  return ` ${networkOf(address)} ${name}`;
}

function bucketOf(buckets: RecentMap<TokenBucket>, key: string, burst: number, refillMs: number): TokenBucket {
  const bucket = buckets.get(key) ?? new TokenBucket(burst, 1000 / refillMs);
  buckets.set(key, bucket);
  return bucket;
}
