/**
 * What a replica is still worth when a follow was lost and has begun again.
 *
 * The lines around the last one that was seen are read. When that line still has its position, no line before it was deleted,
 * and all that is held is right. When it moved, the result lines that were missed say what was deleted. They are
 * applied, and if that explains how far the line moved, what is held is exact again. Otherwise it is dropped, and read
 * again when it comes into view. So no line is shown twice and none is left out.
 */

import { decodeTime, timestampOf } from "@wirebook/protocol";
import { deletionOf } from "./history-replica.ts";
import type { Deletion, HistoryReplica } from "./history-replica.ts";
import type { LineRange } from "./history-replica.ts";

/** The lines to read so that `resync` can decide: around the last one seen, up to the newest if they are near. */
export function rangeToResync(seen: number, last: number, lines: number): LineRange {
  const isNear = last - seen < lines / 2;
  const to = isNear ? last : Math.min(last, Math.max(lines, seen + Math.ceil(lines / 2)));
  return { from: Math.max(1, to - lines + 1), to };
}

/**
 * Takes what is right of an old replica over into a new one, bookmarks too.
 *
 * @param missedTo position of the last line that came before the new follow, as it stands now
 * @param since what was deleted since the new follow began
 * @returns position in the new replica of the last line that was seen before; `undefined` when it is gone, or far away
 */
export function resync(
  old: HistoryReplica,
  replica: HistoryReplica,
  missedTo: number,
  since: readonly Deletion[],
): number | undefined {
  const line = old.at(old.last);
  const lastSeen = line === undefined ? undefined : findUpwards(replica, line, old.last);
  const isExact =
    line !== undefined &&
    lastSeen !== undefined &&
    [...missedDeletions(replica, lastSeen, missedTo, timestampOf(line)), ...since].every((each) =>
      applyTo(old, each),
    ) &&
    old.last === lastSeen;
  if (isExact) replica.adopt(old);
  const moved = isExact || lastSeen === undefined ? 0 : old.last - lastSeen;
  for (const bookmark of old.bookmarks) {
    bookmark.position = Math.max(1, Math.min(replica.last, bookmark.position - moved));
    replica.keepMark(bookmark);
  }
  return lastSeen;
}

/** Deletes before a line move it up, never down. */
function findUpwards(replica: HistoryReplica, line: string, from: number): number | undefined {
  for (let position = Math.min(from, replica.last); position >= 1; position--) {
    const found = replica.at(position);
    if (found === undefined || found === line) return found === undefined ? undefined : position;
  }
  return undefined;
}

/** What was deleted of the lines up to the last one seen, in order; a line without a time is taken for an old one. */
function missedDeletions(replica: HistoryReplica, lastSeen: number, missedTo: number, lastHead: string): Deletion[] {
  const found: Deletion[] = [];
  for (let position = lastSeen + 1; position <= missedTo; position++) {
    const deletion = deletionOf(replica.at(position) ?? "");
    if (deletion === undefined) continue;
    if (decodeTime(deletion.head) === undefined || deletion.head <= lastHead) found.push(deletion);
  }
  return found;
}

/** A delete behind the last line of the old replica does not concern it. */
function applyTo(old: HistoryReplica, { position, head }: Deletion): boolean {
  if (position === undefined) return false;
  return position > old.last || old.delete(position, head);
}
