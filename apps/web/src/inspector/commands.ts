import type { Comparing } from "../compare/comparing.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { possible } from "../ui/commands.ts";
import type { Command } from "../ui/commands.ts";
import type { InspectorTab, Layout } from "../ui/layout.svelte.ts";

const tabs: Readonly<Record<Exclude<InspectorTab, "compare" | "scenario">, readonly [label: string, words: string]>> = {
  notes: ["Show what happened", "notes explain summary inspector tab"],
  stream: ["Show both directions of the stream", "raw follow conversation inspector tab"],
  frames: ["Show frames and reads", "raw websocket inspector tab"],
  bytes: ["Show the bytes", "raw hex dump inspector tab"],
  steps: ["Show the steps and their times", "timeline timing inspector tab"],
  lab: ["Open the fault lab: send a message late, cut or broken", "break delay slow tab"],
};

interface Parts {
  readonly layout: Layout;
  readonly streams: Streams;
  readonly comparing: Comparing;
}

export function inspectorCommands({ layout, streams: { selected }, comparing }: Parts): readonly Command[] {
  const go = () => void layout.focus("inspector", "#inspector");
  return possible([
    { id: "inspector", label: "Go to the inspector", key: "w", words: "wire diagram", run: go },
    ...Object.entries(tabs).map(([tab, [label, words]]) => ({
      id: `tab-${tab}`,
      label,
      words,
      run: () => {
        layout.tab = tab as InspectorTab;
        go();
      },
    })),
    selected && {
      id: "compare",
      label: "Compare the selected entry with another",
      words: "diff difference side by side",
      run: () => comparing.choose(selected),
    },
  ]);
}
