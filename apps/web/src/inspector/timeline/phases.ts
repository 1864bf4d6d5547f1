/** Where the time of an exchange went, in a handful of stretches that follow each other. */

import type { ColouredHop, Timeline } from "./timeline.ts";

/** One stretch. */
export interface Phase {
  readonly name: string;
  /** Nobody's wire: the gateway's own, or the server's. */
  readonly hop: ColouredHop | "gateway" | "server";
  readonly fromMs: number;
  readonly ms: number;
}

/** The stretches, as far as their bounds are known; each begins where the one before ended. */
export function phasesOf(story: Timeline): readonly Phase[] {
  const { at, writes, endedMs } = story;
  const lastWriteMs = writes.at(-1)?.ms;
  const bounds: readonly [name: string, hop: Phase["hop"], untilMs: number | undefined][] = [
    ["to the gateway", "page-gateway", at.received],
    ["in the gateway", "gateway", at.connecting],
    ["connect", "gateway-server", at.established],
    ["write", "gateway-server", at.firstByte === undefined ? lastWriteMs : minOf(lastWriteMs, at.firstByte)],
    ["server", "server", at.firstByte ?? at.fin],
    ["no answer", "gateway", at.firstByte === undefined ? at.closed : undefined],
    ["reply", "gateway-server", at.closed ?? at.fin],
    ["to the browser", "page-gateway", endedMs],
  ];
  const phases: Phase[] = [];
  let fromMs = 0;
  for (const [name, hop, untilMs] of bounds) {
    if (untilMs === undefined || untilMs <= fromMs) continue;
    phases.push({ name, hop, fromMs, ms: untilMs - fromMs });
    fromMs = untilMs;
  }
  return phases;
}

function minOf(one: number | undefined, other: number): number | undefined {
  return one === undefined ? undefined : Math.min(one, other);
}
