/** An exchange's timeline as a table of its moments, and as a handful of phases that follow each other. */

import { duration } from "../../ui/format.ts";
import type { ColouredHop, Timeline } from "./timeline.ts";

export interface StepRow {
  readonly name: string;
  /** Whose clock noted it. */
  readonly where: "page" | "gateway";
  readonly ms: number;
  /** Since the row above; 0 for the first. */
  readonly sinceMs: number;
  /** The arrows of the diagram that begin or end there. */
  readonly arrows: readonly string[];
}

export function stepRows(timeline: Timeline): readonly StepRow[] {
  const { transport, at, tls, openedMs, reads, writes, endedMs, end, flow } = timeline;
  const endNames = {
    running: "",
    end: "end frame arrived",
    error: "error frame arrived",
    lost: "connection lost",
  };
  const lastWrite = writes.length > 1 ? writes.at(-1) : undefined;
  const firstArrival = reads.find(({ number }) => number === 0)?.arrivedMs;
  const secured = `TLS secured${tls === undefined ? "" : `: ${tls.version}, ${tls.cipher}`}`;
  const all: readonly [string, StepRow["where"], number | undefined, ...string[]][] = [
    ["frame sent", "page", 0, "request"],
    ["frame received", "gateway", at.received, "request"],
    ["connect called", "gateway", at.connecting, "connect"],
    [transport === "unix" ? "socket connected" : "connection established", "gateway", at.established, "established"],
    [secured, "gateway", at.secured, "secured"],
    [writes.length > 1 ? "first bytes written" : "message written", "gateway", at.written, "write 0"],
    ["last bytes written", "gateway", lastWrite?.ms, `write ${lastWrite?.number}`],
    ["FIN sent", "gateway", at.ended, "ended"],
    ["open frame arrived", "page", openedMs, "open"],
    ["first read", "gateway", at.firstByte, "read 0"],
    ["first bytes arrived", "page", firstArrival, "bytes 0"],
    ["FIN read", "gateway", at.fin, "fin"],
    ["connection closed", "gateway", at.closed, "end", "reset", "failed"],
    [endNames[end], "page", endedMs, "end"],
  ];
  const ofFlow: typeof all = [
    ["client accepted", "gateway", at.received, "accept"],
    ...all.slice(2, 5),
    ["first read from the client", "gateway", at.written, "write 0"],
    ["first read from the target", "gateway", at.firstByte, "read 0"],
    ["client's FIN", "gateway", at.ended, "ended client", "ended target"],
    ["target's FIN", "gateway", at.fin, "fin target", "fin client"],
    ["connection closed", "gateway", at.closed, "rst client", "rst target"],
  ];
  const happened = (flow === undefined ? all : ofFlow).flatMap(([name, where, ms, ...arrows]) =>
    ms === undefined ? [] : [{ name, where, ms, arrows }],
  );
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

/** `server 1.20 ms` */
export function describePhase({ name, ms }: Phase): string {
  return `${name} ${duration(ms)}`;
}

/** Where the time of an exchange went, as far as is known; each phase starts where the one before ended. */
export function phasesOf(timeline: Timeline): readonly Phase[] {
  const { at, endedMs, isDialogue } = timeline;
  const bounds: readonly Bound[] = [
    ["to the gateway", "page-gateway", at.received],
    ["in the gateway", "gateway", at.connecting],
    ["connect", "gateway-server", at.established],
    ["TLS", "gateway-server", at.secured],
    ...(isDialogue ? dialogueBounds(timeline) : exchangeBounds(timeline)),
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

type Bound = readonly [name: string, hop: Phase["hop"], untilMs: number | undefined];

function dialogueBounds({ at, latestMs }: Timeline): readonly Bound[] {
  return [["conversation", "server", at.closed ?? latestMs]];
}

function exchangeBounds({ at, writes }: Timeline): readonly Bound[] {
  const lastWriteMs = writes.at(-1)?.ms;
  return [
    ["write", "gateway-server", at.firstByte === undefined ? lastWriteMs : minOf(lastWriteMs, at.firstByte)],
    ["server", "server", at.firstByte ?? at.fin],
    ["no answer", "gateway", at.firstByte === undefined ? at.closed : undefined],
    ["reply", "gateway-server", at.closed ?? at.fin],
  ];
}

function minOf(one: number | undefined, other: number): number | undefined {
  return one === undefined ? undefined : Math.min(one, other);
}
