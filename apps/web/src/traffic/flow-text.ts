/** What the page says of a flow: its summary, its notes, and the faults of a listening port. */

import { faultMsMax } from "@wirebook/protocol";
import type { FlowFaults, StreamEvent } from "@wirebook/protocol";
import { count, duration, plural } from "../ui/format.ts";
import { rfc, rule } from "../inspector/notes/references.ts";
import type { Note } from "../inspector/notes/references.ts";
import type { Timeline } from "../inspector/timeline/timeline.ts";
import type { FlowFacts, Stream } from "../streams/stream.svelte.ts";

/** A flow's part of a timeline. */
export interface FlowTimeline extends FlowFacts {
  readonly clientName: string;
  /** Bytes of which only the count is known. */
  readonly missing: { readonly sent: number; readonly received: number };
  /** Reads that the other leg did not take at once. */
  readonly waits: number;
  /** The resets that were seen or sent. */
  readonly resets: readonly Pick<StreamEvent, "leg" | "isFromTarget">[];
}

/** @param events those that are looked at */
export function flowTimelineOf(stream: Stream, events: readonly StreamEvent[]): FlowTimeline | undefined {
  const { flow, clientName, record } = stream;
  if (flow === undefined) return undefined;
  const { sentBytes, receivedBytes } = record.omitted;
  return {
    ...flow,
    clientName,
    missing: { sent: sentBytes, received: receivedBytes },
    waits: events.filter(({ isWaiting }) => isWaiting).length,
    resets: events.filter(({ kind }) => kind === "rst"),
  };
}

/** The largest number of bytes that a field takes. */
const bytesMax = 1_000_000_000;

/** The faults that have a number: their fields, and how they are told. */
export const faultFields = [
  { name: "latencyMs", label: "Latency, ms", min: 0, max: faultMsMax, tell: (ms) => `latency ${count(ms)} ms` },
  { name: "jitterMs", label: "Jitter, ms", min: 0, max: faultMsMax, tell: (ms) => `jitter up to ${count(ms)} ms` },
  { name: "sliceBytes", label: "Slices, bytes", min: 1, max: bytesMax, tell: (n) => `slices of ${plural(n, "byte")}` },
  {
    name: "bytesPerSecond",
    label: "Bytes a second",
    min: 1,
    max: bytesMax,
    tell: (n) => `${plural(n, "byte")} a second`,
  },
  {
    name: "resetAfterBytes",
    label: "RST after bytes",
    min: 0,
    max: bytesMax,
    tell: (n) => `RST after ${plural(n, "byte")}`,
  },
  {
    name: "finAfterBytes",
    label: "FIN after bytes",
    min: 0,
    max: bytesMax,
    tell: (n) => `FIN after ${plural(n, "byte")}`,
  },
] as const satisfies readonly { name: keyof FlowFaults; tell: (n: number) => string; [more: string]: unknown }[];

/** `latency 20 ms, slices of 7 bytes`; empty when nothing is done. */
export function describeFaults(faults: FlowFaults): string {
  const told = faultFields.flatMap(({ name, tell }) => (faults[name] === undefined ? [] : [tell(faults[name])]));
  return [...told, ...(faults.isStalled === true ? ["nothing passed on"] : [])].join(", ");
}

/** What a flow has come to, in a sentence. */
export function summarizeFlow({ at, target, end, endReason, sent, reply, latestMs }: Timeline, flow: FlowTimeline) {
  const who = `${flow.clientName} talks to ${target}`;
  const reads = `${plural(sent.writes, "read")} from the client, ${count(reply.reads)} from ${target}`;
  if (end === "running") {
    if (at.established === undefined) return `${flow.clientName} is connected; the gateway connects to ${target}.`;
    const halves = [
      at.ended && "The client has closed its direction.",
      at.fin && `${target} has closed its direction.`,
    ];
    return [`${who}: ${reads}.`, ...halves.filter((words) => typeof words === "string")].join(" ");
  }
  const over = `${flow.clientName} talked to ${target} for ${duration(latestMs)}: ${reads}`;
  if (endReason === "reset") return `${over}. ${whoReset(flow, target)}`;
  if (endReason !== "fin") return `${over}. The gateway cut it off.`;
  const isByTarget = at.fin !== undefined && at.fin <= (at.ended ?? Infinity);
  return `${over}. ${isByTarget ? `${target} closed` : "The client closed"} it first.`;
}

/** The bytes of both directions, and the time in total. */
export function describeFlowTraffic({ sent, reply, endedMs }: Timeline): string {
  const total = endedMs === undefined ? "" : `; ${duration(endedMs)} in total`;
  return `Client sent ${count(sent.bytes)} B, target sent ${count(reply.bytes)} B${total}`;
}

export function flowNotesOf(timeline: Timeline, flow: FlowTimeline): readonly Note[] {
  return [acceptNote, faultsNote, gapNote, waitNote, halfCloseNote, resetNote]
    .map((noteOf) => noteOf(timeline, flow))
    .filter((made) => made !== undefined);
}

function note(text: string, term: string, on: readonly string[], ...references: Note["references"]): Note {
  return { text, term, references, on };
}

function acceptNote({ target }: Timeline, { clientName, via, port }: FlowTimeline): Note {
  const ways = {
    listen: `connected to port ${port} of the gateway, which passes every byte on to ${target}`,
    relay: `connected to ${target} through the gateway's relay, with a WebSocket`,
    presented: `has this conversation with ${target} and presents it`,
  };
  return note(
    `${clientName} ${ways[via]}. The page only watches: nothing of this was sent by it.`,
    "accept",
    ["accept"],
    rule("G", 15),
  );
}

function faultsNote(_: Timeline, { faults, port }: FlowTimeline): Note | undefined {
  const done = faults === undefined ? "" : describeFaults(faults);
  if (done === "") return undefined;
  return note(`Port ${port} did this to the connection on purpose: ${done}.`, "fault injection", [], rule("G", 15));
}

function gapNote(_: Timeline, { missing }: FlowTimeline): Note | undefined {
  if (missing.sent + missing.received === 0) return undefined;
  return note(
    `The content of ${plural(missing.sent, "byte")} from the client and ${plural(missing.received, "byte")} from the target ` +
      "is missing here: the gateway and the page keep a bounded part. The connection itself lost nothing.",
    "gap",
    [],
    rule("G", 15),
  );
}

function waitNote(_: Timeline, { waits }: FlowTimeline): Note | undefined {
  if (waits === 0) return undefined;
  return note(
    `${plural(waits, "read")} had to wait in the gateway: the other side did not take the bytes at once, or a fault held them. ` +
      "The second arrow shows when they left.",
    "back-pressure",
    [],
    rfc(9293, "3.8.6"),
  );
}

function halfCloseNote({ at, target }: Timeline): Note | undefined {
  if (at.ended === undefined && at.fin === undefined) return undefined;
  const isByTarget = at.fin !== undefined && at.fin <= (at.ended ?? Infinity);
  const [first, other] = isByTarget ? [target, "The client"] : ["The client", target];
  const both = at.ended !== undefined && at.fin !== undefined;
  const then = both
    ? `${duration(Math.abs(at.fin - at.ended))} later ${isByTarget ? "the client" : target} closed its own.`
    : `${other} may still send.`;
  return note(
    `${first} closed its direction first, and the gateway passed the FIN on. ${then}`,
    "FIN, half-close",
    ["fin client", "fin target", "ended client", "ended target"],
    rfc(9293, "3.6"),
  );
}

function resetNote({ target }: Timeline, flow: FlowTimeline): Note | undefined {
  if (flow.resets.length === 0) return undefined;
  const on = ["rst client", "rst target"];
  return note(`${whoReset(flow, target)} Bytes in flight may be lost.`, "RST", on, rfc(9293, "3.10.7"));
}

/** The first one tells where it came from: the gateway passes it on. */
function whoReset({ resets }: FlowTimeline, target: string): string {
  const [first] = resets;
  if (first === undefined) return "It was reset.";
  if (first.leg === "client" && !first.isFromTarget) return "The client sent RST, and the gateway passed it on.";
  if (first.leg === "target" && first.isFromTarget) return `${target} sent RST, and the gateway passed it on.`;
  return "The gateway sent RST to both.";
}
