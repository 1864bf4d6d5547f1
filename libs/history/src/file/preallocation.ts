/**
 * `history.txt.next`: where a rewrite is written, and meanwhile a page of the disk that is kept for one.
 *
 * On a full disk there is no room even for the one line that a delete of all leaves. So the file exists all the time,
 * as large as a page, and a rewrite overwrites it [H-15], [H-16]. What it holds is never read: a process that finds one
 * left over by another that was killed removes it.
 */

import { rmSync, writeFileSync } from "node:fs";

/** Bytes kept free for the line that says who deleted all, when the disk is full [H-15]; one page of most systems. */
export const reservedBytes = 4096;

/** The file beside a history. Everything here is best effort: without the page, a delete of all needs room too. */
export class Preallocation {
  /** Where a rewrite is written. */
  readonly path: string;
  #state: "missing" | "held" | "lent" | "closed" = "missing";

  /** Removes what was left over; the page is taken by `take`. */
  constructor(historyPath: string) {
    this.path = `${historyPath}.next`;
    this.#remove();
  }

  /** Takes the page, if it is not there; the disk may have been full when it was last tried. */
  take(): void {
    if (this.#state !== "missing") return;
    try {
      writeFileSync(this.path, new Uint8Array(reservedBytes), { flag: "wx", mode: 0o600 });
      this.#state = "held";
    } catch {
      this.#remove();
    }
  }

  /** Leaves the file to a rewrite, until `giveBack`. */
  lend(): void {
    this.#state = "lent";
  }

  /** The rewrite is over, and its file was renamed or is of no use. */
  giveBack(): void {
    this.#remove();
    this.#state = "missing";
    this.take();
  }

  /** Gives the page back to the disk. */
  close(): void {
    this.#remove();
    this.#state = "closed";
  }

  #remove(): void {
    try {
      rmSync(this.path, { force: true });
    } catch {
      // It is a folder, or this folder was made read-only; a rewrite will say so.
    }
  }
}
