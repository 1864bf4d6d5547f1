/** A stream of the page as the text of a scenario, and the lines of such a text that are likely to differ in the next play. */

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

export interface VaryingLine {
  /** Of the expectation itself, from 1; the comment stands above it. */
  readonly line: number;
  /** Such as `a date`. */
  readonly what: string;
  /** The looser form that the comment proposes. */
  readonly loose: string;
}

const proposal = /^# varies\? (?<what>[^:]+): (?<loose>.+)$/u;

export function varyingLines(text: string): readonly VaryingLine[] {
  return text.split("\n").flatMap((each, at) => {
    const { what, loose } = proposal.exec(each)?.groups ?? {};
    return what === undefined || loose === undefined ? [] : [{ line: at + 2, what, loose }];
  });
}

/** The text with the proposals carried out; their comments go. */
export function loosen(text: string, chosen: readonly VaryingLine[]): string {
  const looseAt = new Map(chosen.map(({ line, loose }) => [line, loose]));
  const lines = text.split("\n").map((each, at) => looseAt.get(at + 1) ?? each);
  return lines.filter((_, at) => !looseAt.has(at + 2)).join("\n");
}
