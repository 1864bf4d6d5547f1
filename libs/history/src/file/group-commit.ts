/**
 * Group commit: appends that come in the same turns of the event loop share one write and one fdatasync [H-10].
 *
 * A turn accepts few connections, so a batch for each turn would hold few lines, and a turn without an append is often one
 * that closes connections, whose clients are about to come back. The batch is then written and synced synchronously: that
 * was measured to be faster, and nothing can come between.
 */

import type { AppendResult } from "../history.ts";
import type { FileStorage } from "./storage.ts";

/** Turns of the event loop for which appends are gathered into one write and one fdatasync [H-10]. */
export const gatherTurnsMax = 64;

/** Turns in a row without an append that end the gathering before. */
export const gatherQuietTurns = 4;

interface Waiting {
  readonly encode: (time: string) => string;
  readonly resolve: (written: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #storage: FileStorage;
  #waiting: Waiting[] = [];
  #turn: NodeJS.Immediate | undefined;
  /** Turns of this gathering, those in a row without an append, and the appends before this turn. */
  #turns = 0;
  #quietTurns = 0;
  #seen = 0;
  readonly #gather = (): void => this.#takeTurn();

  constructor(storage: FileStorage) {
    this.#storage = storage;
  }

  /** Takes the line that `encode` makes of the time at which it is written; resolves when it is durable. */
  add(encode: (time: string) => string): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ encode, resolve, reject });
      this.#turn ??= setImmediate(this.#gather);
    });
  }

  /** Writes and syncs what was gathered. Never throws: each append learns for itself how it went. */
  commit(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#turns = this.#quietTurns = this.#seen = 0;
    const storage = this.#storage;
    const times: string[] = [];
    try {
      // Before the lines get their times: what is found of another program may leave a line of its own [H-8].
      storage.look();
      let text = "";
      for (const { encode } of waiting) {
        const time = storage.clock.next();
        text += `${encode(time)}\n`;
        times.push(time);
      }
      storage.append(Buffer.from(text));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      return;
    }
    let position = storage.generation.lines - waiting.length;
    for (const { resolve } of waiting) resolve({ position: ++position, time: times.shift() as string });
  }

  #takeTurn(): void {
    const count = this.#waiting.length;
    this.#turns += 1;
    this.#quietTurns = count === this.#seen ? this.#quietTurns + 1 : 0;
    this.#seen = count;
    if (this.#quietTurns >= gatherQuietTurns || this.#turns >= gatherTurnsMax) this.commit();
    else this.#turn = setImmediate(this.#gather);
  }
}
