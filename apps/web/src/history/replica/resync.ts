/**
 * What a copy is still worth after the follow was lost and has begun again.
 *
 * The lines around the last one that was seen are read. A deleted line moves all lines behind it, so when that last
 * line still stands where it stood, nothing before it was deleted and all that is held is as it was. When it moved, the
 * outcomes in the lines that were missed say what was deleted; they are carried out, and if that explains how far it moved,
 * what is held is exact again. Otherwise it is dropped, and read again where it is looked at. Nothing is shown twice and
 * nothing is left out either way, because a position is believed only after this.
 */

import { decodeTime, timestampOf } from "@wirebook/protocol";
import { deletionOf } from "./deletion.ts";
import type { Deletion } from "./deletion.ts";
import type { HistoryReplica } from "./history-replica.ts";

/** What was found out about the lines that came while nothing was followed. */
export interface Resynced {
  /** True when the lines that were held are still right, and were taken over. */
  readonly isKept: boolean;
  /** Position in the new copy of the last line that was seen before; `undefined` when it is gone, or far away. */
  readonly lastSeen: number | undefined;
}

/** The lines to read so that `resume` can decide: around the last one seen, up to the newest if they are near. */
export function rangeToResume(seen: number, last: number, lines: number): { from: number; to: number } {
  const isNear = last - seen < lines / 2;
  const to = isNear ? last : Math.min(last, Math.max(lines, seen + Math.ceil(lines / 2)));
  return { from: Math.max(1, to - lines + 1), to };
}

/**
 * Takes what is right of an old copy over into a new one, bookmarks too.
 *
 * @param missedTo position of the last line that came before the new follow began, as it stands now
 * @param since what was deleted since the new follow began
 */
export function resume(
  old: HistoryReplica,
  copy: HistoryReplica,
  missedTo: number,
  since: readonly Deletion[],
): Resynced {
  const line = old.at(old.last);
  const lastSeen = line === undefined ? undefined : findNear(copy, line, old.last);
  const isKept =
    line !== undefined &&
    lastSeen !== undefined &&
    [...missed(copy, lastSeen, missedTo, timestampOf(line)), ...since].every((deletion) => carryOut(old, deletion)) &&
    old.last === lastSeen;
  if (isKept) copy.adopt(old);
  const moved = isKept || lastSeen === undefined ? 0 : old.last - lastSeen;
  for (const bookmark of old.bookmarks) {
    bookmark.position = Math.max(1, Math.min(copy.last, bookmark.position - moved));
    copy.keepMark(bookmark);
  }
  return { isKept, lastSeen };
}

/** Deletes before it move a line up, never down. */
function findNear(copy: HistoryReplica, line: string, from: number): number | undefined {
  for (let position = Math.min(from, copy.last); position >= 1; position--) {
    const found = copy.at(position);
    if (found === undefined || found === line) return found === undefined ? undefined : position;
  }
  return undefined;
}

/** What was deleted, of the lines up to the last one seen, in the order in which it happened. */
function missed(copy: HistoryReplica, lastSeen: number, missedTo: number, lastHead: string): Deletion[] {
  const found: Deletion[] = [];
  for (let position = lastSeen + 1; position <= missedTo; position++) {
    const deletion = deletionOf(copy.at(position) ?? "");
    if (deletion !== undefined && isBefore(deletion.head, lastHead)) found.push(deletion);
  }
  return found;
}

/** True for the head of a line that is not newer than another; a head without a time is taken for an old one. */
function isBefore(head: string, lastHead: string): boolean {
  return decodeTime(head) === undefined || head <= lastHead;
}

/** What concerns only lines that the old copy never had is nothing to it. */
function carryOut(old: HistoryReplica, { position, head }: Deletion): boolean {
  if (position === undefined) return false;
  return position > old.last || old.delete(position, head);
}
