/**
 * Lines that the cluster has acknowledged and this server has yet to see at their places.
 *
 * They usually come at once. A consumer that lives on a node which is behind, and stays so, is alive and brings nothing:
 * only somebody who knows that there is more can notice.
 */

import type { AppendResult } from "@wirebook/history";
import { unavailable } from "./errors.ts";
import { publishRefusedRetryMs, seenDeadlineMs, seenRetryMs } from "./limits.ts";

interface Awaited {
  readonly sinceMs: number;
  readonly resolve: (written: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Whoever waits, by sequence. */
export class PendingReads {
  readonly #waiting = new Map<number, Awaited>();
  readonly #onStuck: () => void;
  readonly #timer: NodeJS.Timeout;
  #askedAtMs = 0;

  /** @param onStuck called when a line has not come for `seenRetryMs`, and again after each such time */
  constructor(onStuck: () => void) {
    this.#onStuck = onStuck;
    this.#timer = setInterval(() => this.#look(), publishRefusedRetryMs);
    this.#timer.unref();
  }

  /** Resolves when a line is settled. @throws HistoryError `storage-unavailable` after `seenDeadlineMs` */
  wait(sequence: number): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(sequence, { sinceMs: performance.now(), resolve, reject });
    });
  }

  /** Those up to a sequence. */
  upTo(sequence: number): readonly number[] {
    return [...this.#waiting.keys()].filter((each) => each <= sequence);
  }

  has(sequence: number): boolean {
    return this.#waiting.has(sequence);
  }

  settle(sequence: number, written: AppendResult): void {
    this.#waiting.get(sequence)?.resolve(written);
    this.#waiting.delete(sequence);
  }

  /** Nobody waits any longer. */
  close(): void {
    clearInterval(this.#timer);
    for (const { reject } of this.#waiting.values()) reject(unavailable("the history is closed"));
    this.#waiting.clear();
  }

  #look(): void {
    const nowMs = performance.now();
    let isStuck = false;
    for (const [sequence, { sinceMs, reject }] of this.#waiting) {
      if (nowMs - sinceMs >= seenDeadlineMs) {
        this.#waiting.delete(sequence);
        const sentence = `the cluster has the line, but this server did not see it within ${seenDeadlineMs} ms`;
        reject(unavailable(sentence));
      } else if (nowMs - sinceMs >= seenRetryMs) isStuck = true;
    }
    if (!isStuck || nowMs - this.#askedAtMs < seenRetryMs) return;
    this.#askedAtMs = nowMs;
    this.#onStuck();
  }
}
