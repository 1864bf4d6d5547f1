/** Joins the commands of all parts. Loaded when the first of them is wanted. */

import type { App } from "./app.svelte.ts";
import { conversationCommands, messageCommands } from "./conversation/commands.ts";
import { exportCommands } from "./export/commands.ts";
import { gatewayCommands } from "./gateway/commands.ts";
import { historyCommands, lineCommands } from "./history/commands.ts";
import { inspectorCommands } from "./inspector/commands.ts";
import type { Stream } from "./streams/stream.svelte.ts";
import type { CommandSource } from "./ui/commands.ts";
import { pageCommands } from "./ui/page-commands.ts";

export function commandsOf(app: App): CommandSource {
  const { connection, history, layout, preferences, streams } = app;
  const parts = { ...app, onSelect: (stream: Stream) => app.select(stream) };
  return {
    all: () => [
      ...conversationCommands(parts),
      ...inspectorCommands(layout),
      ...historyCommands(history, layout),
      ...exportCommands(streams, layout),
      ...gatewayCommands(connection),
      ...pageCommands(layout, preferences),
    ],
    direct: (typed) => [...lineCommands(typed, history, layout), ...messageCommands(typed, parts)],
  };
}
