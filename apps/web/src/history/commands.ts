import { possible } from "../ui/commands.ts";
import type { Command } from "../ui/commands.ts";
import { count } from "../ui/format.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { LiveHistory } from "./live-history.svelte.ts";

export function historyCommands(history: LiveHistory, layout: Layout): readonly Command[] {
  if (!history.isThere) return [];
  const { follower, search, view } = history;
  return possible([
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
    search && {
      id: "plot",
      label: search.isPlotted ? "Hide the plot of the history" : "Plot the history over time",
      words: "chart graph histogram",
      run: () => {
        search.isPlotted = !search.isPlotted;
        layout.pane = "history";
      },
    },
    {
      id: "background",
      label: view.showsBackground ? "Fold background requests" : "Show background requests",
      words: "own hidden page",
      run: () => (history.showsBackground = !view.showsBackground),
    },
    follower.state === "live" && {
      id: "stop",
      label: "Stop following the history",
      words: "pause live",
      run: () => follower.stop(),
    },
    follower.state === "stopped" && {
      id: "follow",
      label: "Follow the history",
      words: "live resume continue",
      run: () => void follower.start(),
    },
  ]);
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
