/**
 * What a wrong key costs whoever sent it [U-7].
 *
 * The answer to a wrong key waits: longer with each one from the same address, up to a bound, and forgotten after a
 * while without any. A right key is never made to wait and clears nothing: the owner of a name is served at once,
 * whatever others at the same address are trying, and none of them gains by having a key of their own.
 *
 * That is why this cannot hide that a guess was wrong, since a right one would have been served at once; keys of
 * 130 bits need no such secrecy. What is bounded here is what guessing costs everybody else. A held answer holds a
 * connection, so few are held for an address and in all, and one more wrong key is told so instead.
 */

import { networkOf } from "@wirebook/net";
import { ServerError } from "../errors.ts";
import type { Limits } from "../limits.ts";

/** What is known of one address. */
interface Suspect {
  wrong: number;
  lastMs: number;
  held: number;
}

type GuessLimits = Pick<
  Limits,
  "guessDelayMs" | "guessDelayMsMax" | "guessForgetMs" | "guessAddressesMax" | "guessesHeldMax" | "guessesHeldEachMax"
>;

/** The wrong keys of one server. */
export class AuthThrottle {
  readonly #limits: GuessLimits;
  /** The address that was quiet for longest comes first. */
  readonly #suspects = new Map<string, Suspect>();
  readonly #release = new Set<() => void>();

  constructor(limits: GuessLimits) {
    this.#limits = limits;
  }

  /** Addresses that are remembered. */
  get addresses(): number {
    return this.#suspects.size;
  }

  /**
   * Takes note of a wrong key and resolves when it may be answered: after the delay, when the peer has gone, or when
   * the server stops.
   *
   * @throws ServerError `guesses-max`
   */
  async delay(address: string, gone: Promise<void>): Promise<void> {
    const suspect = this.#note(networkOf(address));
    const { guessesHeldEachMax, guessesHeldMax } = this.#limits;
    if (suspect.held >= guessesHeldEachMax || this.#release.size >= guessesHeldMax) throw this.#tooMany();
    suspect.held += 1;
    await this.#wait(delayMs(suspect.wrong, this.#limits), gone);
    suspect.held -= 1;
  }

  /** Lets every answer go that is held. */
  end(): void {
    for (const release of this.#release) release();
  }

  #note(block: string): Suspect {
    const nowMs = performance.now();
    const known = this.#suspects.get(block);
    const suspect = known ?? { wrong: 0, lastMs: nowMs, held: 0 };
    if (nowMs - suspect.lastMs > this.#limits.guessForgetMs) suspect.wrong = 0;
    suspect.wrong += 1;
    suspect.lastMs = nowMs;
    this.#suspects.delete(block);
    this.#suspects.set(block, suspect);
    if (this.#suspects.size > this.#limits.guessAddressesMax) this.#forgetOne();
    return suspect;
  }

  /** At most `guessesHeldMax` addresses have held answers, so the search is short. */
  #forgetOne(): void {
    for (const [block, { held }] of this.#suspects) {
      if (held > 0) continue;
      this.#suspects.delete(block);
      return;
    }
  }

  async #wait(forMs: number, gone: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, forMs);
    this.#release.add(resolve);
    void gone.then(resolve);
    await promise;
    clearTimeout(timer);
    this.#release.delete(resolve);
  }

  #tooMany(): ServerError {
    const { guessesHeldEachMax, guessesHeldMax } = this.#limits;
    return new ServerError(
      "guesses-max",
      `${guessesHeldEachMax} wrong keys from your address, or ${guessesHeldMax} in all, await their answer, which is the limit; try again in a moment`,
    );
  }
}

/** Milliseconds that the answer to the n-th wrong key waits. */
export function delayMs(wrong: number, limits: Pick<Limits, "guessDelayMs" | "guessDelayMsMax">): number {
  return Math.min(limits.guessDelayMsMax, limits.guessDelayMs * 2 ** Math.min(wrong - 1, 30));
}
