/** An exchange's timeline as a table of its moments, and as a handful of phases that follow each other. */

import type { ColouredHop, Timeline } from "./timeline.ts";

export interface StepRow {
  readonly name: string;
  /** Whose clock noted it. */
  readonly where: "page" | "gateway";
  readonly hop: ColouredHop;
  readonly ms: number;
  /** Since the row above; 0 for the first. */
  readonly sinceMs: number;
}

export function stepRows({ transport, at, tls, openedMs, reads, writes, endedMs, end }: Timeline): readonly StepRow[] {
  const endNames = {
    running: "",
    end: "end frame arrived",
    error: "error frame arrived",
    lost: "connection lost",
  };
  const all: readonly [string, StepRow["where"], ColouredHop, number | undefined][] = [
    ["frame sent", "page", "page-gateway", 0],
    ["frame received", "gateway", "page-gateway", at.received],
    ["connect called", "gateway", "gateway-server", at.connecting],
    [transport === "unix" ? "socket connected" : "connection established", "gateway", "gateway-server", at.established],
    [
      `TLS secured${tls === undefined ? "" : `: ${tls.version}, ${tls.cipher}`}`,
      "gateway",
      "gateway-server",
      at.secured,
    ],
    [writes.length > 1 ? "first bytes written" : "message written", "gateway", "gateway-server", at.written],
    ["last bytes written", "gateway", "gateway-server", writes.length > 1 ? writes.at(-1)?.ms : undefined],
    ["FIN sent", "gateway", "gateway-server", at.ended],
    ["open frame arrived", "page", "page-gateway", openedMs],
    ["first read", "gateway", "gateway-server", at.firstByte],
    ["first bytes arrived", "page", "page-gateway", reads.find(({ number }) => number === 0)?.arrivedMs],
    ["FIN read", "gateway", "gateway-server", at.fin],
    ["connection closed", "gateway", "gateway-server", at.closed],
    [endNames[end], "page", "page-gateway", endedMs],
  ];
  const happened = all.flatMap(([name, where, hop, ms]) => (ms === undefined ? [] : [{ name, where, hop, ms }]));
  const sorted = happened.toSorted((a, b) => a.ms - b.ms);
  return sorted.map((row, index) => ({ ...row, sinceMs: row.ms - (sorted[index - 1]?.ms ?? row.ms) }));
}

export interface Phase {
  readonly name: string;
  /** The hop, or the program that worked. */
  readonly hop: ColouredHop | "gateway" | "server";
  readonly fromMs: number;
  readonly ms: number;
}

/** Where the time of an exchange went, as far as is known; each phase starts where the one before ended. */
export function phasesOf(timeline: Timeline): readonly Phase[] {
  const { at, writes, endedMs } = timeline;
  const lastWriteMs = writes.at(-1)?.ms;
  const bounds: readonly [name: string, hop: Phase["hop"], untilMs: number | undefined][] = [
    ["to the gateway", "page-gateway", at.received],
    ["in the gateway", "gateway", at.connecting],
    ["connect", "gateway-server", at.established],
    ["TLS", "gateway-server", at.secured],
    ["write", "gateway-server", at.firstByte === undefined ? lastWriteMs : minOf(lastWriteMs, at.firstByte)],
    ["server", "server", at.firstByte ?? at.fin],
    ["no answer", "gateway", at.firstByte === undefined ? at.closed : undefined],
    ["reply", "gateway-server", at.closed ?? at.fin],
    ["to the page", "page-gateway", endedMs],
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
