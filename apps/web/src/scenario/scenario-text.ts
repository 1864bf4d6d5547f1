/** A stream of the page as the text of a scenario, and that text with what may vary loosened. */

import { writeScenario } from "@wirebook/scenario";
import type { Stream } from "../streams/stream.svelte.ts";
import { legsOf } from "../traffic/flow-legs.ts";

export function textOf(stream: Stream): string {
  // Of a flow, what passed between the gateway and the target: it is the target that is played against.
  const { events } = stream.flow === undefined ? stream.record : (legsOf(stream).at(-1)?.record ?? stream.record);
  const { name: target } = stream.intent.target;
  return writeScenario(events, { target, isWithServer: stream.isWithServer });
}

export function nameOf({ name }: Stream): string {
  const words = name.match(/[\p{L}\p{N}.-]+/gu) ?? ["scenario"];
  return words.join("-").slice(0, 60);
}

/** A comment that proposes a looser line, and the line below it. */
const proposals = /^# varies\? [^:]+: (.+)\n.*$/gmu;

/** Lines that are likely to differ in the next play. */
export function countVarying(text: string): number {
  return text.match(proposals)?.length ?? 0;
}

export function loosen(text: string): string {
  return text.replaceAll(proposals, "$1");
}
