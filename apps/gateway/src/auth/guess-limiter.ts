/**
 * How many wrong passwords there may be: from one address (one network of IPv6), and for one name from all addresses.
 *
 * Each attempt takes a token of both, and a right password gives them back. So attempts that run at the same time are
 * counted, and a class behind one address can log in at once. Guessing at a name from elsewhere must not lock its owner out:
 * where a name has logged in before, it has tokens of its own.
 */

import { networkOf } from "@wirebook/net";
import type { GatewayLimits } from "../limits.ts";
import { RecentMap, TokenBucket } from "../bounds.ts";

/** The guesses at one gateway. */
export class GuessLimiter {
  readonly #networks: Buckets;
  readonly #names: Buckets;
  readonly #homes: RecentMap<true>;

  constructor(limits: GatewayLimits) {
    const { guessersMax, guessesPerAddressMax, guessAddressRefillMs, guessesPerNameMax, guessNameRefillMs } = limits;
    this.#networks = new Buckets(guessersMax, guessesPerAddressMax, guessAddressRefillMs);
    this.#names = new Buckets(guessersMax, guessesPerNameMax, guessNameRefillMs);
    this.#homes = new RecentMap(guessersMax);
  }

  /** Counts an attempt. When it is one too many, returns the milliseconds until there may be another. */
  take(address: string, name: string): number | undefined {
    const network = this.#networks.get(networkOf(address));
    // Names beyond an address's bound are not remembered, or it could have those forgotten at which others guess.
    if (!network.take()) return this.#networks.refillMs;
    if (this.#placeOf(address, name).take()) return undefined;
    network.give();
    return this.#names.refillMs;
  }

  /** Counts an attempt without a name. When it is one too many, returns the milliseconds until there may be another. */
  takeFrom(address: string): number | undefined {
    return this.#networks.get(networkOf(address)).take() ? undefined : this.#networks.refillMs;
  }

  /** That attempt was right. */
  giveBackTo(address: string): void {
    this.#networks.get(networkOf(address)).give();
  }

  /** The password was right, so it was no guess. */
  giveBack(address: string, name: string): void {
    for (const bucket of [this.#networks.get(networkOf(address)), this.#placeOf(address, name)]) bucket.give();
    this.#homes.set(homeOf(address, name), true);
  }

  /** What counts for the name: there, where it has logged in before, or everywhere else. */
  #placeOf(address: string, name: string): TokenBucket {
    const home = homeOf(address, name);
    return this.#names.get(this.#homes.get(home) ? home : name);
  }
}

/** An address has no space in it, and neither begins a name with one. */
function homeOf(address: string, name: string): string {
  return ` ${networkOf(address)} ${name}`;
}

/** A bucket for each key. */
class Buckets {
  readonly refillMs: number;
  readonly #burst: number;
  readonly #buckets: RecentMap<TokenBucket>;

  constructor(max: number, burst: number, refillMs: number) {
    this.#burst = burst;
    this.refillMs = refillMs;
    this.#buckets = new RecentMap(max);
  }

  get(key: string): TokenBucket {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#burst, 1000 / this.refillMs);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
