/** Joins the commands of all parts, and those of the whole page. Loaded when the first of them is wanted. */

import type { App } from "./app.svelte.ts";
import { conversationCommands, messageCommands } from "./conversation/commands.ts";
import { exportCommands } from "./export/commands.ts";
import { historyCommands, lineCommands } from "./history/commands.ts";
import { inspectorCommands } from "./inspector/commands.ts";
import { possible } from "./ui/commands.ts";
import type { Command, CommandSource } from "./ui/commands.ts";
import type { FoldablePane } from "./ui/layout.svelte.ts";

export function commandsOf(app: App): CommandSource {
  const { history, layout, streams, viewer } = app;
  if (viewer !== undefined) {
    const all = () => [...exportCommands(streams, layout), ...pageCommands(app)];
    return { all, direct: () => [] };
  }
  return {
    all: () => [
      ...conversationCommands(app),
      ...inspectorCommands(layout),
      ...historyCommands(history, layout),
      ...exportCommands(streams, layout),
      ...pageCommands(app),
      ...trafficCommands(app),
    ],
    direct: (typed) => [...lineCommands(typed, history, layout), ...messageCommands(typed, app)],
  };
}

function trafficCommands({ flows, layout, presenter }: App): readonly Command[] {
  const words = "share live present show screen class viewers link broadcast";
  const open = () => (layout.dialog = "present");
  return possible([
    flows.mayWatch && {
      id: "traffic",
      label: "Show the traffic",
      words: "watch connections flows clients listening ports tcp",
      run: () => (layout.pane = "traffic"),
    },
    { id: "present", label: "Present your conversation live", words, run: open },
    presenter.state === "on" && { id: "unpresent", label: "End presenting", words, run: () => presenter.end() },
  ]);
}

/** What concerns the whole page: its panes, its settings and its help. */
function pageCommands({ connection, layout, preferences }: App): readonly Command[] {
  const fold = (pane: FoldablePane): Command => {
    const isFolded = layout.panes.isFolded(pane);
    const run = () => (isFolded ? layout.panes.fold(pane, false) : void layout.fold(pane));
    const label = `${isFolded ? "Show" : "Fold"} the ${pane}`;
    return { id: `fold-${pane}`, label, words: "pane panel hide collapse close unfold layout", run };
  };
  const themes = { light: "Use light colours", dark: "Use dark colours", system: "Use the system's colours" };
  const densities = {
    compact: "Bring rows closer together",
    normal: "Use the usual distance of rows",
    relaxed: "Bring rows further apart",
  };
  const toOther = preferences.zone === "utc" ? "local" : "utc";
  return possible([
    connection.state === "waiting" && {
      id: "reconnect",
      label: "Reconnect to the gateway now",
      key: "r",
      words: "connection online retry",
      run: () => connection.retryNow(),
    },
    {
      id: "settings",
      label: "Open settings",
      words: "preferences options theme density time zone shortcuts",
      run: () => (layout.dialog = "settings"),
    },
    {
      id: "help",
      label: "Show help and keyboard shortcuts",
      key: "?",
      words: "keys documentation docs about filter language learn ?",
      run: () => (layout.dialog = "help"),
    },
    {
      id: "zone",
      label: toOther === "utc" ? "Show times in UTC" : "Show local times",
      words: "time zone utc local clock settings",
      run: () => (preferences.zone = toOther),
    },
    ...choose(themes, "theme mode color appearance", (theme) => (preferences.theme = theme)),
    ...choose(densities, "density rows spacing size", (density) => (preferences.density = density)),
    fold("inspector"),
    fold("history"),
    {
      id: "reset-panes",
      label: "Reset the widths of the panes",
      words: "layout size",
      run: () => layout.panes.reset(),
    },
  ]);
}

/** A command for each value of a setting. */
function choose<Value extends string>(
  labels: Readonly<Record<Value, string>>,
  words: string,
  set: (value: Value) => void,
): readonly Command[] {
  return (Object.entries(labels) as [Value, string][]).map(([value, label]) => ({
    id: `set-${value}`,
    label,
    words: `${words} ${value} settings`,
    run: () => set(value),
  }));
}
