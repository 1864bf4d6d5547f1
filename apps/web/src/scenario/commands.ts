import type { App } from "../app.svelte.ts";
import { possible } from "../ui/commands.ts";
import type { Command } from "../ui/commands.ts";

export function scenarioCommands({ connection, scenarios, streams }: App): readonly Command[] {
  const { selected } = streams;
  const words = "wire file script test expect replay record";
  const canPlay = scenarios.text !== "" && connection.hello?.targets.length !== 0;
  return possible([
    {
      id: "scenario",
      label: "Open the scenario: what is sent and what is expected",
      words: `${words} tab inspector`,
      run: () => scenarios.open(),
    },
    canPlay && { id: "play", label: "Play the scenario", words, run: () => scenarios.open({ kind: "play" }) },
    selected && {
      id: "save-scenario",
      label: "Save the selected entry as a scenario",
      words,
      run: () => scenarios.open({ kind: "write", stream: selected }),
    },
  ]);
}
