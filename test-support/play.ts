/** The scenarios of tests/interop/scenarios, played in this process as `wirebook play` does. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseTarget } from "@wirebook/net";
import { parseScenario, Player } from "@wirebook/scenario";
import type { Scenario } from "@wirebook/scenario";
import { playScenario as play } from "../apps/client/src/play-scenario.ts";
import type { PageStream } from "./page-client.ts";

/** Bounds a hang, on a machine that is busy with other work as well. */
export const playMsMax = 120_000;

/** The path of a scenario. */
export function scenarioPath(name: string): string {
  return fileURLToPath(new URL(`../tests/interop/scenarios/${name}.wire`, import.meta.url));
}

function readScenario(name: string): Scenario {
  const parsed = parseScenario(readFileSync(scenarioPath(name), "utf8"));
  if ("scenario" in parsed) return parsed.scenario;
  throw new Error(`${name}: ${JSON.stringify(parsed.problems)}`);
}

/** Plays a scenario on the target of this URL; returns "held", or where it ended and why. */
export async function playScenario(name: string, url: string, given: Record<string, string> = {}): Promise<string> {
  const [scenario, target] = [readScenario(name), parseTarget(`${name}=${url}`)];
  const options = { values: new Map(Object.entries(given)), pace: "fast", timeoutMs: playMsMax } as const;
  const { outcome } = await play(scenario, target, options, { listenForInterrupt: () => () => undefined });
  return outcome.verdict === "held" ? "held" : `${outcome.line}: ${outcome.message}`;
}

/** The same through a gateway, on a conversation of a page that goes on afterwards. */
export async function playOn(stream: PageStream, name: string, given: Record<string, string> = {}): Promise<string> {
  const player = new Player(readScenario(name), { values: new Map(Object.entries(given)), pace: "fast" });
  for (let taken = 0; player.verdict === undefined;) {
    for (let action; (action = player.advance(0)) !== undefined;) {
      if (action.kind === "send") await stream.send(action.bytes);
    }
    if (player.verdict !== undefined) break;
    const event = await stream.until(({ record }) => record.events.filter((each) => each.isFromTarget)[taken]);
    taken += 1;
    if (event.bytes === undefined) player.ended("fin");
    else player.received(event.bytes, 0);
  }
  return player.verdict.kind === "held" ? "held" : JSON.stringify(player.verdict);
}
