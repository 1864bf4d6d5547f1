import type { ColouredHop, Timeline } from "./timeline/timeline.ts";

/** One row of the table of steps. */
export interface StepRow {
  readonly name: string;
  /** Whose clock noted it. */
  readonly where: "browser" | "gateway";
  readonly hop: ColouredHop;
  readonly ms: number;
  /** Since the row above; 0 for the first. */
  readonly sinceMs: number;
}

/** The steps of a story in the order of their times. */
export function stepRows({ at, openedMs, chunks, writes, endedMs, end }: Timeline): readonly StepRow[] {
  const endNames = {
    running: "",
    end: "end frame arrived",
    error: "error frame arrived",
    lost: "connection lost",
  };
  const all: readonly [string, StepRow["where"], ColouredHop, number | undefined][] = [
    ["frame sent", "browser", "page-gateway", 0],
    ["frame received", "gateway", "page-gateway", at.received],
    ["connect called", "gateway", "gateway-server", at.connecting],
    ["connection established", "gateway", "gateway-server", at.established],
    [writes.length > 1 ? "first bytes written" : "message written", "gateway", "gateway-server", at.written],
    ["last bytes written", "gateway", "gateway-server", writes.length > 1 ? writes.at(-1)?.ms : undefined],
    ["FIN sent", "gateway", "gateway-server", at.ended],
    ["open frame arrived", "browser", "page-gateway", openedMs],
    ["first chunk read", "gateway", "gateway-server", at.firstByte],
    ["first chunk arrived", "browser", "page-gateway", chunks.find(({ index }) => index === 0)?.arrivedMs],
    ["FIN read", "gateway", "gateway-server", at.fin],
    ["connection closed", "gateway", "gateway-server", at.closed],
    [endNames[end], "browser", "page-gateway", endedMs],
  ];
  const happened = all.flatMap(([name, where, hop, ms]) => (ms === undefined ? [] : [{ name, where, hop, ms }]));
  const sorted = happened.toSorted((a, b) => a.ms - b.ms);
  return sorted.map((row, index) => ({ ...row, sinceMs: row.ms - (sorted[index - 1]?.ms ?? row.ms) }));
}
