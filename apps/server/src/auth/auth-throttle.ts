/**
 * Slows down wrong keys [U-7].
 *
 * The answer to a wrong key is delayed: longer with each one from the same network, up to a bound, and forgotten after a
 * while without any. A right key is never delayed and clears nothing, so the owner of a name is served at once whatever
 * others at the same address try. A guesser therefore learns at once that a guess was wrong, which keys of 130 bits
 * allow; what is bounded is the cost for everyone else. A delayed answer occupies a connection, so only a few are
 * delayed for a network and in all, and one more wrong key gets an error instead.
 */

import { networkOf } from "@wirebook/net";
import { ServerError } from "../errors.ts";
import type { Limits } from "../limits.ts";

/** The wrong keys from one network. */
interface Suspect {
  wrong: number;
  lastMs: number;
  held: number;
}

type GuessLimits = Pick<
  Limits,
  "guessDelayMs" | "guessDelayMsMax" | "guessForgetMs" | "guessAddressesMax" | "guessesHeldMax" | "guessesHeldEachMax"
>;

export class AuthThrottle {
  readonly #limits: GuessLimits;
  /** The network that was quiet for longest comes first. */
  readonly #suspects = new Map<string, Suspect>();
  readonly #release = new Set<() => void>();

  constructor(limits: GuessLimits) {
    this.#limits = limits;
  }

  get addresses(): number {
    return this.#suspects.size;
  }

  /**
   * Counts a wrong key and resolves when it may be answered: after the delay, when the peer has left, or when the server
   * stops.
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
