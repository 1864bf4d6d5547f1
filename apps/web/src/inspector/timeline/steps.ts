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

type Moment = readonly [name: string, where: StepRow["where"], ms: number | undefined, ...arrows: string[]];

const endNames = { running: "", end: "end frame arrived", error: "error frame arrived", lost: "connection lost" };

export function stepRows(timeline: Timeline): readonly StepRow[] {
  const { transport, at, tls, openedMs, reads, writes, endedMs, end, flow } = timeline;
  const lastWrite = writes.length > 1 ? writes.at(-1) : undefined;
  const opening: readonly Moment[] = [
    ["connect called", "gateway", at.connecting, "connect"],
    [transport === "unix" ? "socket connected" : "connection established", "gateway", at.established, "established"],
    [`TLS secured${tls === undefined ? "" : `: ${tls.version}, ${tls.cipher}`}`, "gateway", at.secured, "secured"],
  ];
  const ofStream: readonly Moment[] = [
    ["frame sent", "page", 0, "request"],
    ["frame received", "gateway", at.received, "request"],
    ...opening,
    [lastWrite === undefined ? "message written" : "first bytes written", "gateway", at.written, "write 0"],
    ["last bytes written", "gateway", lastWrite?.atMs, `write ${lastWrite?.number}`],
    ["FIN sent", "gateway", at.ended, "ended"],
    ["open frame arrived", "page", openedMs, "open"],
    ["first read", "gateway", at.firstByte, "read 0"],
    ["first bytes arrived", "page", reads.find(({ number }) => number === 0)?.arrivedMs, "bytes 0"],
    ["FIN read", "gateway", at.fin, "fin"],
    ["connection closed", "gateway", at.closed, "end", "reset", "failed"],
    [endNames[end], "page", endedMs, "end"],
  ];
  const ofFlow: readonly Moment[] = [
    ["client accepted", "gateway", at.received, "accept"],
    ...opening,
    ["first read from the client", "gateway", at.written, "write 0"],
    ["first read from the target", "gateway", at.firstByte, "read 0"],
    ["client's FIN", "gateway", at.ended, "ended client", "ended target"],
    ["target's FIN", "gateway", at.fin, "fin target", "fin client"],
    ["connection closed", "gateway", at.closed, "rst client", "rst target"],
  ];
  const happened = (flow === undefined ? ofStream : ofFlow).flatMap(([name, where, ms, ...arrows]) =>
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

type Bound = readonly [name: string, hop: Phase["hop"], untilMs: number | undefined];

/** Where the time of an exchange went, as far as is known; each phase starts where the one before ended. */
export function phasesOf({ at, writes, latestMs, endedMs, isDialogue }: Timeline): readonly Phase[] {
  const lastWriteMs = writes.at(-1)?.atMs ?? Infinity;
  const writtenMs = Math.min(lastWriteMs, at.firstByte ?? Infinity);
  const work: readonly Bound[] = isDialogue
    ? [["conversation", "server", at.closed ?? latestMs]]
    : [
        ["write", "gateway-server", lastWriteMs === Infinity ? undefined : writtenMs],
        ["server", "server", at.firstByte ?? at.fin],
        ["no answer", "gateway", at.firstByte === undefined ? at.closed : undefined],
        ["reply", "gateway-server", at.closed ?? at.fin],
      ];
  const bounds: readonly Bound[] = [
    ["to the gateway", "page-gateway", at.received],
    ["in the gateway", "gateway", at.connecting],
    ["connect", "gateway-server", at.established],
    ["TLS", "gateway-server", at.secured],
    ...work,
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
