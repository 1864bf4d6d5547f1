/** An entry of the page as the text of a scenario. */

import { writeScenario } from "@wirebook/scenario";
import type { Stream } from "../streams/stream.svelte.ts";
import { legsOf } from "../traffic/flow-legs.ts";

export function textOf(stream: Stream): string {
  // Of a flow, what passed between the gateway and the target: it is the target that is played against.
  const { events } = stream.flow === undefined ? stream.record : (legsOf(stream).at(-1)?.record ?? stream.record);
  const { name: target } = stream.intent.target;
  return writeScenario(events, { target, isWithServer: stream.isWithServer });
}

/** A name for its file. */
export function nameOf(stream: Stream): string {
  return (
    stream.name
      .replaceAll(/[^\p{L}\p{N}.-]+/gu, "-")
      .replaceAll(/^-+|-+$/gu, "")
      .slice(0, 60) || "scenario"
  );
}
