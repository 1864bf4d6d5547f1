/** What the page says of a flow: its summary, who reset it, and the faults of a listening port. */

import { faultMsMax, type FlowFaults, type StreamEvent } from "@wirebook/protocol";
import { count, duration, plural } from "../ui/format.ts";
import type { Timeline } from "../inspector/timeline/timeline.ts";
import { isClosedByTarget } from "../streams/result.ts";

const bytesMax = 1_000_000_000;
const after = (what: string) => (n: number) => `${what} after ${plural(n, "byte")}`;

/** The faults that have a number: their fields, and how they are told. */
export const faultFields: readonly {
  readonly name: Exclude<keyof FlowFaults, "isStalled">;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly tell: (n: number) => string;
}[] = [
  { name: "latencyMs", label: "Latency, ms", min: 0, max: faultMsMax, tell: (n) => `latency ${count(n)} ms` },
  { name: "jitterMs", label: "Jitter, ms", min: 0, max: faultMsMax, tell: (n) => `jitter up to ${count(n)} ms` },
  { name: "sliceBytes", label: "Slices, bytes", min: 1, max: bytesMax, tell: (n) => `slices of ${plural(n, "byte")}` },
  { name: "bytesPerSecond", label: "Bytes a second", min: 1, max: bytesMax, tell: (n) => `${count(n)} bytes a second` },
  { name: "resetAfterBytes", label: "RST after bytes", min: 0, max: bytesMax, tell: after("RST") },
  { name: "finAfterBytes", label: "FIN after bytes", min: 0, max: bytesMax, tell: after("FIN") },
];

/** `latency 20 ms, slices of 7 bytes`; empty when nothing is done. */
export function describeFaults(faults: FlowFaults): string {
  const told = faultFields.flatMap(({ name, tell }) => (faults[name] === undefined ? [] : [tell(faults[name])]));
  return [...told, ...(faults.isStalled === true ? ["nothing passed on"] : [])].join(", ");
}

export function summarizeFlow(timeline: Timeline, { clientName, reset }: NonNullable<Timeline["flow"]>): string {
  const { at, target, end, endReason, sent, reply, latestMs } = timeline;
  const reads = `${plural(sent.writes, "read")} from the client, ${count(reply.reads)} from ${target}`;
  if (end === "running" && at.established === undefined)
    return `${clientName} is connected; the gateway connects to ${target}.`;
  if (end === "running") {
    const client = at.ended === undefined ? "" : " The client has closed its direction.";
    return `${clientName} talks to ${target}: ${reads}.${client}${at.fin === undefined ? "" : ` ${target} has closed its direction.`}`;
  }
  const over = `${clientName} talked to ${target} for ${duration(latestMs)}: ${reads}`;
  if (endReason === "reset") return `${over}. ${reset === undefined ? "It was reset." : whoReset(reset, target)}`;
  if (endReason !== "fin") return `${over}. The gateway cut it off.`;
  return `${over}. ${isClosedByTarget(timeline) ? `${target} closed` : "The client closed"} it first.`;
}

export function describeFlowTraffic({ sent, reply, endedMs }: Timeline): string {
  const total = endedMs === undefined ? "" : `; ${duration(endedMs)} in total`;
  return `Client sent ${count(sent.bytes)} B, target sent ${count(reply.bytes)} B${total}`;
}

export function whoReset({ leg, isFromTarget }: Pick<StreamEvent, "leg" | "isFromTarget">, target: string): string {
  if (leg === "client" && !isFromTarget) return "The client sent RST, and the gateway passed it on.";
  if (leg === "target" && isFromTarget) return `${target} sent RST, and the gateway passed it on.`;
  return "The gateway sent RST to both.";
}
