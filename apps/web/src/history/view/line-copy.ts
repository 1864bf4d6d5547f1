/** The selected lines as the history has them, each with its line feed. Those that are not held are read. */

import { copiedLinesMax, scanBlockLines } from "../../limits.ts";
import type { Streams } from "../../streams/streams.svelte.ts";
import { plural } from "../../ui/format.ts";
import type { History } from "../replica/history.svelte.ts";
import { readLines } from "../replica/range-read.ts";
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

/** Reads the lines; `undefined` when that failed. */
export async function readText(
  streams: Streams,
  history: History,
  selected: SelectedLines,
): Promise<string | undefined> {
  const positions = newestOf(selected);
  const parts: string[] = [];
  for (let at = 0; at < positions.length;) {
    const from = positions[at] as number;
    const to = Math.min(selected.to, from + scanBlockLines - 1);
    using block = await readLines(streams, history.current, { user: history.user, from, to, purpose: "to copy lines" });
    if (block === undefined) return undefined;
    for (; at < positions.length && (positions[at] as number) <= to; at++) {
      parts.push(`${block.lines[(positions[at] as number) - from] ?? ""}\n`);
    }
  }
  return parts.join("");
}

/** What was copied, in a sentence. */
export function describeCopy({ count }: SelectedLines): string {
  if (count > copiedLinesMax)
    return `Copied the newest ${plural(copiedLinesMax, "line")} of ${plural(count, "selected line")}.`;
  return `Copied ${plural(count, "line")}.`;
}
