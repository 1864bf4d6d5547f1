/** Joins the commands of all parts, and those of the whole page. Loaded when the first of them is wanted. */

import type { App } from "./app.svelte.ts";
import { conversationCommands, messageCommands } from "./conversation/commands.ts";
import { historyCommands, lineCommands } from "./history/commands.ts";
import { inspectorCommands } from "./inspector/commands.ts";
import { contents } from "./lessons/contents.ts";
import { scenarioCommands } from "./scenario/commands.ts";
import { possible } from "./ui/commands.ts";
import type { Command, CommandSource } from "./ui/commands.ts";
import type { FoldablePane, Layout } from "./ui/layout.svelte.ts";

export function commandsOf(app: App): CommandSource {
  const { history, layout, viewer } = app;
  if (viewer !== undefined) {
    const all = () => [...scenarioCommands(app), ...pageCommands(app)];
    return { all, direct: () => [] };
  }
  return {
    all: () => [
      ...conversationCommands(app),
      ...inspectorCommands(app),
      ...historyCommands(history, layout),
      ...scenarioCommands(app),
      ...pageCommands(app),
      ...trafficCommands(app),
      ...lessonCommands(layout),
    ],
    direct: (typed) => [...lineCommands(typed, history, layout), ...messageCommands(typed, app)],
  };
}

function lessonCommands(layout: Layout): readonly Command[] {
  const words = "learn lesson lessons tutorial course teach";
  const all = { id: "lessons", label: "Show all lessons", words, run: () => layout.openLesson() };
  const each = contents.map(({ id, title }, at) => ({
    id: `lesson-${id}`,
    label: `Lesson ${at + 1}: ${title}`,
    words,
    run: () => layout.openLesson(id),
  }));
  return [all, ...each];
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
function pageCommands({ connection, layout }: App): readonly Command[] {
  const fold = (pane: FoldablePane): Command => {
    const isFolded = layout.panes.isFolded(pane);
    const run = () => (isFolded ? layout.panes.fold(pane, false) : void layout.fold(pane));
    const label = `${isFolded ? "Show" : "Fold"} the ${pane}`;
    return { id: `fold-${pane}`, label, words: "pane panel hide collapse close unfold layout", run };
  };
  return possible([
    connection.state === "waiting" && {
      id: "reconnect",
      label: "Reconnect to the gateway now",
      key: "r",
      words: "connection online retry",
      run: () => connection.retryNow(),
    },
    {
      id: "export",
      label: "Export & share: copy, save, load",
      words: "download file link url pcapng wireshark ndjson session open import exchange",
      run: () => (layout.dropped = []),
    },
    {
      id: "settings",
      label: "Open settings",
      words: "preferences options theme dark light colours density rows time zone utc local shortcuts",
      run: () => (layout.dialog = "settings"),
    },
    {
      id: "help",
      label: "Show help and keyboard shortcuts",
      key: "?",
      words: "keys documentation docs about filter language learn ?",
      run: () => (layout.dialog = "help"),
    },
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
