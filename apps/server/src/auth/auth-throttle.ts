/**
 * Slows down wrong keys [U-7]: the answer to one waits, longer with each from the same network. A right key is never delayed
 * and clears nothing. A delayed answer occupies a connection, so only a few wait.
 */

import { setTimeout as pause } from "node:timers/promises";
import { networkOf } from "@wirebook/net";
import { ServerError } from "../errors.ts";
import type { Limits } from "../limits.ts";

export class AuthThrottle {
  readonly #limits: Limits;
  /** The network that was quiet for longest comes first. */
  readonly #suspects = new Map<string, { wrong: number; lastMs: number; held: number }>();
  readonly #ended = new AbortController();
  #held = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get addresses(): number {
    return this.#suspects.size;
  }

  /** Counts a wrong key and resolves when it may be answered, or no longer need be. @throws ServerError `guesses-max` */
  async delay(address: string, gone: Promise<void>): Promise<void> {
    const suspect = this.#note(networkOf(address));
    const { guessesHeldEachMax, guessesHeldMax } = this.#limits;
    if (suspect.held >= guessesHeldEachMax || this.#held >= guessesHeldMax) {
      throw new ServerError(
        "guesses-max",
        `${guessesHeldEachMax} wrong keys from your address, or ${guessesHeldMax} in all, await their answer, which is the limit; try again in a moment`,
      );
    }
    suspect.held += 1;
    this.#held += 1;
    const isOver = pause(delayMs(suspect.wrong, this.#limits), undefined, { signal: this.#ended.signal });
    await Promise.race([isOver, gone]).catch(() => {}); // The server stops.
    suspect.held -= 1;
    this.#held -= 1;
  }

  end(): void {
    this.#ended.abort();
  }

  #note(network: string) {
    const nowMs = performance.now();
    const suspect = this.#suspects.get(network) ?? { wrong: 0, lastMs: nowMs, held: 0 };
    if (nowMs - suspect.lastMs > this.#limits.guessForgetMs) suspect.wrong = 0;
    suspect.wrong += 1;
    suspect.lastMs = nowMs;
    this.#suspects.delete(network);
    this.#suspects.set(network, suspect);
    if (this.#suspects.size > this.#limits.guessAddressesMax) {
      // At most `guessesHeldMax` networks have held answers, so the search is short.
      const quiet = this.#suspects.entries().find(([, { held }]) => held === 0);
      if (quiet !== undefined) this.#suspects.delete(quiet[0]);
    }
    return suspect;
  }
}

/** Milliseconds that the answer to the n-th wrong key waits. */
export function delayMs(wrong: number, limits: Pick<Limits, "guessDelayMs" | "guessDelayMsMax">): number {
  return Math.min(limits.guessDelayMsMax, limits.guessDelayMs * 2 ** Math.min(wrong - 1, 30));
}
