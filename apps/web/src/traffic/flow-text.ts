/** What the page says of a flow: its summary, its notes, and the faults of a listening port. */

import { faultMsMax, type FlowFaults, type StreamEvent } from "@wirebook/protocol";
import { count, duration, plural } from "../ui/format.ts";
import type { NoteKind } from "../inspector/notes/notes.ts";
import { rfc, rule } from "../inspector/notes/references.ts";
import type { Timeline } from "../inspector/timeline/timeline.ts";
import { isClosedByTarget } from "../streams/result.ts";
import type { FlowFacts, Stream } from "../streams/stream.svelte.ts";

/** A flow's part of a timeline. */
export interface FlowTimeline extends FlowFacts {
  readonly clientName: string;
  /** Bytes of which only the count is known. */
  readonly missing: { readonly sent: number; readonly received: number };
  /** Reads that the other leg did not take at once. */
  readonly waits: number;
  /** The first reset that was seen or sent: the gateway passes it on. */
  readonly reset: Pick<StreamEvent, "leg" | "isFromTarget"> | undefined;
}

/** @param events those that are looked at */
export function flowTimelineOf(stream: Stream, events: readonly StreamEvent[]): FlowTimeline | undefined {
  const { flow, clientName, record } = stream;
  if (flow === undefined) return undefined;
  return {
    ...flow,
    clientName,
    missing: { sent: record.omitted.sentBytes, received: record.omitted.receivedBytes },
    waits: events.filter(({ isWaiting }) => isWaiting).length,
    reset: events.find(({ kind }) => kind === "rst"),
  };
}

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

export function summarizeFlow(timeline: Timeline, { clientName, reset }: FlowTimeline): string {
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

export const flowNotes: readonly NoteKind[] = [
  ["accept", ["accept"], [rule("G", 15)], acceptText],
  ["fault injection", [], [rule("G", 15)], faultsText],
  ["gap", [], [rule("G", 15)], gapText],
  ["back-pressure", [], [rfc(9293, "3.8.6")], waitText],
  ["FIN, half-close", ["fin client", "fin target", "ended client", "ended target"], [rfc(9293, "3.6")], halfCloseText],
  ["RST", ["rst client", "rst target"], [rfc(9293, "3.10.7")], resetText],
];

function acceptText({ target, flow }: Timeline) {
  if (flow === undefined) return undefined;
  const ways = {
    listen: `connected to port ${flow.port} of the gateway, which passes every byte on to ${target}`,
    relay: `connected to ${target} through the gateway's relay, with a WebSocket`,
    presented: `has this conversation with ${target} and presents it`,
  };
  return `${flow.clientName} ${ways[flow.via]}. The page only watches: nothing of this was sent by it.`;
}

function faultsText({ flow }: Timeline) {
  const done = describeFaults(flow?.faults ?? {});
  return done !== "" && `Port ${flow?.port} did this to the connection on purpose: ${done}.`;
}

function gapText({ flow }: Timeline) {
  const { sent = 0, received = 0 } = flow?.missing ?? {};
  return (
    sent + received > 0 &&
    `The content of ${plural(sent, "byte")} from the client and ${plural(received, "byte")} from the target ` +
      "is missing here: the gateway and the page keep a bounded part. The connection itself lost nothing."
  );
}

function waitText({ flow }: Timeline) {
  const waits = flow?.waits ?? 0;
  return (
    waits > 0 &&
    `${plural(waits, "read")} had to wait in the gateway: the other side did not take the bytes at once, or a fault held them. ` +
      "The second arrow shows when they left."
  );
}

function halfCloseText(timeline: Timeline) {
  const { at, target } = timeline;
  if (at.ended === undefined && at.fin === undefined) return undefined;
  const isByTarget = isClosedByTarget(timeline);
  const [first, other] = isByTarget ? [target, "the client"] : ["The client", target];
  const isBoth = at.ended !== undefined && at.fin !== undefined;
  const then = isBoth
    ? `${duration(Math.abs(at.fin - at.ended))} later ${other} closed its own`
    : `Until ${other} closes its own, it may still send`;
  return `${first} closed its direction first, and the gateway passed the FIN on. ${then}.`;
}

function resetText({ target, flow }: Timeline) {
  return flow?.reset !== undefined && `${whoReset(flow.reset, target)} Bytes in flight may be lost.`;
}

function whoReset({ leg, isFromTarget }: Pick<StreamEvent, "leg" | "isFromTarget">, target: string): string {
  if (leg === "client" && !isFromTarget) return "The client sent RST, and the gateway passed it on.";
  if (leg === "target" && isFromTarget) return `${target} sent RST, and the gateway passed it on.`;
  return "The gateway sent RST to both.";
}
