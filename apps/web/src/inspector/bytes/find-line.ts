/** The line of the history that an exchange left there [W-8], found in the copy that the page keeps. */

import { decodeTime, quoteText } from "@wirebook/protocol";
import type { HistoryReplica } from "../../history/replica/history-replica.ts";

/** What an exchange must have left. */
export interface Sought {
  /** The message without a key and without its line ending [H-3], [H-5]. */
  readonly message: string;
  /** About when it was written, by the page's calendar. The server's clock may be another. */
  readonly aboutMs: number;
  /** The time of the newest line that was known when it was sent: its own is newer, by whatever clock [H-2]. */
  readonly after: string | undefined;
}

export interface FoundLine {
  readonly line: string;
  readonly position: number;
  /** Lines that it could have been as well, by their words; this one is the nearest in time. */
  readonly others: number;
}

/** Lines that are looked at, from the newest back. */
const lookedAtMax = 5000;

/** Characters of the time at the head of a line [H-2]. */
const timeLength = 27;

/** Lines by position, the first is 1; `undefined` where one is not held. */
export type HeldLines = Pick<HistoryReplica, "at" | "last">;

/**
 * The line that fits best; it is looked for as far back as the lines are held without a gap.
 *
 * @param behind the position of a line up to which there is none
 */
export function findLine(lines: HeldLines, sought: Sought, behind = 0): FoundLine | undefined {
  const tail = ` ${quoteText(sought.message)}`;
  let best: FoundLine | undefined;
  let bestDistance = Infinity;
  let count = 0;
  for (const { line, position } of backwards(lines, sought.after, behind)) {
    if (!line.endsWith(tail)) continue;
    const time = decodeTime(line.slice(0, timeLength));
    if (time === undefined) continue;
    count += 1;
    const distance = Math.abs(time / 1000 - sought.aboutMs);
    if (distance >= bestDistance) continue;
    best = { line, position, others: 0 };
    bestDistance = distance;
  }
  return best && { ...best, others: count - 1 };
}

/** The position of a line that was found before; `undefined` when it is not among those looked at. */
export function positionOf(lines: HeldLines, line: string): number | undefined {
  for (const each of backwards(lines, undefined)) {
    if (each.line === line) return each.position;
    if (isUpTo(each.line, line.slice(0, timeLength))) return undefined;
  }
  return undefined;
}

/** The time of the newest line that has one. */
export function newestTime(lines: HeldLines): string | undefined {
  for (const { line } of backwards(lines, undefined)) {
    const time = line.slice(0, timeLength);
    if (decodeTime(time) !== undefined) return time;
  }
  return undefined;
}

/** The newest lines, each with its position, up to a time. */
function* backwards(
  lines: HeldLines,
  after: string | undefined,
  behind = 0,
): Generator<Pick<FoundLine, "line" | "position">> {
  for (let position = lines.last; position > Math.max(behind, lines.last - lookedAtMax); position--) {
    const line = lines.at(position);
    if (line === undefined || (after !== undefined && isUpTo(line, after))) return;
    yield { line, position };
  }
}

/** True for a line from that time or before; foreign lines have no time that counts [H-8]. */
function isUpTo(line: string, time: string): boolean {
  return line.slice(0, timeLength) <= time && decodeTime(line.slice(0, timeLength)) !== undefined;
}
