import type { Command } from "../ui/commands.ts";
import { count } from "../ui/format.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { LiveHistory } from "./live-history.svelte.ts";

export function historyCommands(history: LiveHistory, layout: Layout): readonly Command[] {
  if (!history.isThere) return [];
  return [
    {
      id: "history",
      label: "Go to the history",
      key: "h",
      words: "lines log register logbook",
      run: () => void layout.focus("history", "#history"),
    },
    {
      id: "filter",
      label: "Filter the history",
      key: "/",
      words: "find search look for query jump line time user",
      run: () => void layout.focus("history", "#history input[type=search]"),
    },
    ...viewCommands(history),
  ];
}

/** What changes what the pane shows; its menu has it too. */
export function viewCommands(history: LiveHistory): readonly Command[] {
  const { view } = history;
  return [
    {
      id: "background",
      label: view.showsBackground ? "Fold background requests" : "Show background requests",
      words: "own hidden page",
      run: () => (history.showsBackground = !view.showsBackground),
    },
  ];
}

/** Goes to the line whose number is typed in the palette: `:50000`, `50,000` or `50000`. */
export function lineCommands(typed: string, history: LiveHistory, layout: Layout): readonly Command[] {
  const line = Number(/^:?\s*(\d[\d,]*)$/u.exec(typed.trim())?.[1]?.replaceAll(",", "") ?? "0");
  const { last } = history.held.replica;
  if (line < 1 || line > last) return [];
  const run = () => {
    history.goToLine(line);
    void layout.focus("history", "#history");
  };
  return [{ id: "line", label: `Go to line ${count(line)}`, run }];
}
