/** Which bytes deletes remove that share a rewrite: they take effect one after another, although at one moment. */

import { decodeText, timestampOf } from "@wirebook/protocol";
import { headBytes } from "../limits.ts";
import { lineChanged, noSuchLine } from "../refusals.ts";
import type { Deletion } from "./deletion.ts";
import type { Generation } from "./generation.ts";

/** A line to be left out, found before the rewrite begins. */
export interface Removal {
  readonly deletion: Deletion;
  /** The line's position as the delete names it, which counts the removals before it. */
  readonly line: number;
  readonly head: string;
  readonly start: number;
  readonly end: number;
}

/** What becomes of each delete of a batch. */
export interface Plan {
  readonly removals: readonly Removal[];
  /** Deletes for the next rewrite. */
  readonly deferred: readonly Deletion[];
}

/**
 * Finds the lines of the deletes, each as the history stands after those before it, and rejects those that name none.
 *
 * Each delete takes a line and writes one, its outcome, so the count of lines stays the same. One that names an outcome
 * of this very batch, which is nowhere yet, is deferred together with all that follow it.
 *
 * @throws HistoryError `storage-failed`
 */
export async function planRemovals(generation: Generation, deletions: readonly Deletion[]): Promise<Plan> {
  const { lines } = generation;
  const removals: Removal[] = [];
  const removed: number[] = [];
  for (const [at, deletion] of deletions.entries()) {
    const line = Number(deletion.line);
    if (!Number.isSafeInteger(line) || line < 1 || line > lines) {
      deletion.reject(noSuchLine(line, lines));
      continue;
    }
    const original = originalOf(line, removed);
    if (original > lines) return { removals, deferred: deletions.slice(at) };
    const removal = await findRemoval(generation, deletion, line, original);
    if (removal === undefined) continue;
    removals.push(removal);
    removed.splice(removed.findLastIndex((other) => other < original) + 1, 0, original);
  }
  return { removals, deferred: [] };
}

/** Where a line stood before the others were removed, whose positions are given in ascending order. */
function originalOf(line: number, removed: readonly number[]): number {
  let original = line;
  for (const other of removed) {
    if (other > original) break;
    original += 1;
  }
  return original;
}

async function findRemoval(
  generation: Generation,
  deletion: Deletion,
  line: number,
  original: number,
): Promise<Removal | undefined> {
  const start = await generation.startOf(original);
  const end = await generation.startOf(original + 1);
  const bytes = await generation.read(start, Math.min(headBytes, end - start));
  const head = timestampOf(decodeText(bytes));
  if (deletion.head !== undefined && timestampOf(deletion.head) !== head) {
    deletion.reject(lineChanged(line, head, deletion.head));
    return undefined;
  }
  return { deletion, line, head, start, end };
}
