/** The selected lines as the history has them, each with its line feed. */

import { copiedLinesMax } from "../../limits.ts";
import { plural } from "../../ui/format.ts";
import type { History } from "../replica/history.svelte.ts";
import type { HistoryView, SelectedLines } from "./history-view.svelte.ts";

/** The newest lines of a selection, back to one that is not held: a browser takes a text for its clipboard at once. */
export function copyOf(
  view: HistoryView,
  history: History,
  { from, to, count, has }: SelectedLines,
): { readonly text: string; readonly result: string } {
  const lines: string[] = [];
  for (let position = to; position >= from && lines.length < copiedLinesMax; position--) {
    if (!has(position)) continue;
    const line = history.current.at(position) ?? view.scan?.matches.find(position);
    if (line === undefined) break;
    lines.push(`${line}\n`);
  }
  return { text: lines.toReversed().join(""), result: describe(lines.length, count) };
}

/** What was copied, in a sentence. */
function describe(copied: number, selected: number): string {
  if (copied === 0) return "Nothing was copied: the lines are not read yet.";
  if (copied === selected) return `Copied ${plural(copied, "line")}.`;
  const why = copied < copiedLinesMax ? " Scroll through the others first: they are not read yet." : "";
  return `Copied the newest ${plural(copied, "line")} of ${plural(selected, "selected line")}.${why}`;
}
