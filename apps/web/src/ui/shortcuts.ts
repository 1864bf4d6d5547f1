/** Every key of the page: where it works, and what it does. The single keys are carried out from here. */

import type { App } from "../app.svelte.ts";

/** Without `run`, a control takes the key itself. */
export type Shortcut = readonly [keys: string, does: string, run?: (app: App, key: string) => void];

const commandLine = "#command-line textarea";
const log = '[data-pane="conversation"] .scroller';

const singleKeys: readonly Shortcut[] = [
  ["c", "Write a message", ({ layout }) => void layout.focus("conversation", commandLine)],
  ["t", "Go to the conversation", ({ layout }) => void layout.focus("conversation", log)],
  ["w", "Go to the inspector", ({ layout }) => void layout.focus("inspector", "#inspector")],
  ["h", "Go to the history", (app) => goToHistory(app, "#history")],
  ["/", "Filter the history", (app) => goToHistory(app, "#history input[type=search]")],
  ["k, j", "Show the previous or next entry", (app, key) => showEntry(app, key === "k" ? -1 : 1)],
  ["?", "Show this help", ({ layout }) => (layout.dialog = "help")],
];

export const shortcuts: Readonly<Record<string, readonly Shortcut[]>> = {
  "In the command line": [
    ["Enter", "Send the line"],
    ["Shift Enter", "Begin another line"],
    ["↑, ↓", "Recall sent lines"],
  ],
  "In the lines of the history": [
    ["↑, ↓, k, j", "Go to the previous or next line"],
    ["Home, End", "Go to the first line, or follow the newest"],
    ["Enter", "Show the whole line"],
    ["Delete", "Delete the line, after a question"],
  ],
  "In the list of frames and reads": [["↑, ↓, k, j", "Go to the previous or next row"]],
  "Between two panes": [
    ["←, →", "Move the divider; with Shift in larger steps"],
    ["Home, End", "Make the pane as narrow or as wide as it goes"],
  ],
  "Single keys, outside text fields and the lists": singleKeys,
};

/** The single key that was pressed, unless it is text or has another meaning there. */
export function singleKeyOf(event: KeyboardEvent): Shortcut | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
  if (event.target instanceof Element && event.target.matches(typedInto)) return undefined;
  return singleKeys.find(([keys]) => keys.split(", ").includes(event.key));
}

/** Where letters are text, or a choice in a list. */
const typedInto = "input:not([type=checkbox], [type=radio]), select, textarea, [role=listbox] *";

function goToHistory({ history, layout }: App, selector: string): void {
  if (history.isThere) void layout.focus("history", selector);
}

function showEntry(app: App, step: -1 | 1): void {
  const { list, selected } = app.streams;
  const stream = list[(selected === undefined ? list.length : list.indexOf(selected)) + step];
  if (stream !== undefined) app.select(stream);
}
