/** The line of the history that an exchange left there [W-8], found in the copy that the page keeps. */

import { decodeTime, quoteText } from "@wirebook/protocol";

/** What an exchange must have left. */
export interface Sought {
  /** The message without a key and without its line ending [H-3], [H-5]. */
  readonly message: string;
  /** About when it was written, by the page's calendar. The server's clock may be another. */
  readonly aboutMs: number;
}

export interface FoundLine {
  readonly line: string;
  readonly position: number;
  /** Lines that it could have been as well, by their words; this one is the nearest in time. */
  readonly others: number;
}

/** Lines that are looked at, from the newest back. */
export const lookedAtMax = 5000;

/** @param first the position of the first line */
export function findLine(lines: readonly string[], first: number, sought: Sought): FoundLine | undefined {
  const tail = ` ${quoteText(sought.message)}`;
  let best: { at: number; distance: number } | undefined;
  let count = 0;
  for (let at = lines.length - 1; at >= Math.max(0, lines.length - lookedAtMax); at--) {
    const line = lines[at] as string;
    if (!line.endsWith(tail)) continue;
    const time = decodeTime(line.slice(0, 27));
    if (time === undefined) continue;
    count += 1;
    const distance = Math.abs(time / 1000 - sought.aboutMs);
    if (best === undefined || distance < best.distance) best = { at, distance };
  }
  return best && { line: lines[best.at] as string, position: first + best.at, others: count - 1 };
}
