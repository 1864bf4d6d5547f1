/** The selected lines as the history has them, each with its line feed. Those that are not held are read. */

import { copiedLinesMax, copyReadsMax, scanBlockLines } from "../../limits.ts";
import type { Streams } from "../../streams/streams.svelte.ts";
import { plural } from "../../ui/format.ts";
import type { History } from "../replica/history.svelte.ts";
import { readInto } from "../replica/range-read.ts";
import type { HistoryView, SelectedLines } from "./history-view.svelte.ts";

/** The newest lines of a selection, as many as are copied at once. */
function newestOf({ from, to, has }: SelectedLines): number[] {
  const positions: number[] = [];
  for (let position = to; position >= from && positions.length < copiedLinesMax; position--) {
    if (has(position)) positions.push(position);
  }
  return positions.toReversed();
}

/** The lines, when all of them are held; a browser takes a text for its clipboard at once or not at all. */
export function heldText(view: HistoryView, history: History, selected: SelectedLines): string | undefined {
  const lines: string[] = [];
  for (const position of newestOf(selected)) {
    const line = history.current.at(position) ?? view.scan?.matches.find(position);
    if (line === undefined) return undefined;
    lines.push(`${line}\n`);
  }
  return lines.join("");
}

/** Reads what is not held of them, the newest first; `undefined` when that failed. */
export async function readText(
  streams: Streams,
  view: HistoryView,
  history: History,
  selected: SelectedLines,
): Promise<string | undefined> {
  const { current, user } = history;
  const [from, to] = [current.mark(selected.from), current.mark(selected.to)];
  let text: string | undefined;
  for (let reads = 0; text === undefined && reads < copyReadsMax; reads++) {
    const now = { ...selected, from: from.position, to: to.position };
    text = heldText(view, history, now);
    const last = newestOf(now).findLast((position) => current.at(position) === undefined);
    if (text !== undefined || last === undefined) break;
    const range = current.gapAround(last, scanBlockLines);
    if (!(await readInto(streams, current, { user, ...range, purpose: "to copy lines" }))) break;
  }
  current.unmark(from);
  current.unmark(to);
  return text;
}

/** What was copied, in a sentence. */
export function describeCopy({ count }: SelectedLines): string {
  if (count > copiedLinesMax)
    return `Copied the newest ${plural(copiedLinesMax, "line")} of ${plural(count, "selected line")}.`;
  return `Copied ${plural(count, "line")}.`;
}
