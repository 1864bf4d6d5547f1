/**
 * A stream as one line of JSON that outlives the page: all that its record knows, and what the page made it for.
 *
 * Times are milliseconds since `startedAt`, on one clock. `events` has what went over the connection in the order in which
 * it was noted: a write that the kernel had taken, what one read gave, or the end of a direction. Bytes are in base64; where
 * they were not kept, their count is left. `frames` has the text frames between page and gateway; each event that `arrived`
 * came to the page in a byte frame. No line to a Wirebook server holds a key.
 */

import * as z from "zod/mini";
import {
  decodeTime,
  defined,
  endReasons,
  flowFaults,
  flowOrigins,
  frameErrorCodes,
  hops,
  milliseconds,
  readRate,
  schedule,
  steps,
  StreamRecord,
  tlsFacts,
  transports,
} from "@wirebook/protocol";
import type { EventOptions, RecordBounds, StreamOutcome } from "@wirebook/protocol";
import { encodeAddress } from "./segment.ts";

/** Of the records that this program writes. */
export const recordVersion = 2;

const count = z.int().check(z.minimum(0));

const calendarTime = z.string().check(z.refine((text) => decodeTime(text) !== undefined));

const endpoint = z.strictObject({
  address: z.string().check(z.refine((text) => encodeAddress(text) !== undefined)),
  port: z.int().check(z.minimum(0), z.maximum(65_535)),
});

const event = z
  .strictObject({
    at: milliseconds,
    from: z.enum(["client", "target"]),
    /** The bytes of a write or a read; absent when they were not kept. */
    bytes: z.optional(z.base64()),
    count: z.optional(count),
    fin: z.optional(z.literal(true)),
    rst: z.optional(z.literal(true)),
    /** Of a flow: how many bytes that had waited the other leg took. */
    taken: z.optional(count),
    /** Of a flow, the connection that it was noted on where that was the client's to the gateway; absent for the target's. */
    leg: z.optional(z.literal("client")),
    /** Of a flow: a read that the other leg did not take at once. */
    waits: z.optional(z.literal(true)),
    /** When its byte frame came to the page; absent when there was none. */
    arrived: z.optional(milliseconds),
    /** KiB that waited for the page before that frame. */
    queued: z.optional(count),
  })
  .check(
    z.refine(
      ({ count: bytes, fin, rst, taken }) => [bytes, fin, rst, taken].filter((each) => each !== undefined).length === 1,
    ),
  );

export type RecordedEvent = z.infer<typeof event>;

const frame = z.strictObject({
  at: milliseconds,
  direction: z.enum(["sent", "received"]),
  name: z.string(),
  text: z.string(),
});

const end = z.discriminatedUnion("how", [
  z.strictObject({ how: z.enum(["running", ...endReasons]), at: milliseconds }),
  z.strictObject({
    how: z.literal("failed"),
    at: milliseconds,
    code: z.enum([...frameErrorCodes, "gateway-lost"]),
    hop: z.enum(hops),
    message: z.string(),
  }),
]);

export const recordedStream = z
  .strictObject({
    type: z.literal("stream"),
    version: z.literal(recordVersion),
    startedAt: calendarTime,
    target: z.string(),
    transport: z.enum(transports),
    /** `host:port` as the operator has it; absent for a Unix socket. */
    address: z.optional(z.string()),
    /** The message, or the first bytes, as text. */
    message: z.string(),
    /** The page makes exchanges of its own. A flow is a connection of somebody else's, which the gateway watched. */
    by: z.enum(["user", "page", "flow"]),
    flow: z.optional(
      z.strictObject({
        via: z.enum(flowOrigins),
        port: z.optional(endpoint.shape.port),
        name: z.optional(z.string()),
        faults: z.optional(flowFaults),
        client: z.optional(endpoint),
        gateway: z.optional(endpoint),
      }),
    ),
    purpose: z.optional(z.string()),
    /** What else a reader should know, as part of a sentence. */
    note: z.optional(z.string()),
    schedule: z.optional(schedule),
    read: z.optional(readRate),
    /** Both ends of the TCP connection; absent when there never was one, and for a Unix socket. */
    ends: z.optional(z.strictObject({ client: endpoint, target: endpoint })),
    tls: z.optional(tlsFacts),
    steps: z.partialRecord(z.enum(steps), milliseconds),
    /** How wrong the gateway's times may be against the page's, to either side; absent when it was not measured. */
    clockErrorMs: z.optional(milliseconds),
    events: z.array(event),
    /** The first is the one that opened the stream. A flow and a stream of the command line have none. */
    frames: z.array(frame),
    end,
  })
  .check(z.refine(({ by, flow }) => by !== "flow" || flow !== undefined));

export type RecordedStream = z.infer<typeof recordedStream>;

/**
 * What a line has of a record; the clocks give the milliseconds since the stream began of what the record and the page noted.
 * In place of bytes that are not known of by any event, there is one with their count.
 */
export function fromStreamRecord(record: StreamRecord, clocks: Record<"at" | "arrived", (atMs: number) => number>) {
  const { events, sentBytes, receivedBytes, at, local, remote, tls } = record;
  const passed = { client: 0, target: 0 };
  const gapUpTo = (from: "client" | "target", bytes: number, atMs: number): RecordedEvent[] => {
    const missing = bytes - passed[from];
    passed[from] = bytes;
    return missing > 0 ? [{ at: atMs, from, count: missing }] : [];
  };
  const recorded = events.flatMap((noted) => {
    const { kind, leg, isFromTarget, isWaiting, offset, bytes, byteCount, arrivedMs, queuedKiB } = noted;
    const atMs = clocks.at(noted.atMs);
    const from = isFromTarget ? "target" : "client";
    const gap = kind === "written" ? [] : gapUpTo(from, offset, atMs);
    if (kind === "data") passed[from] += byteCount;
    const what = kind === "data" ? { count: byteCount } : kind === "written" ? { taken: byteCount } : { [kind]: true };
    const rest = defined({
      leg: leg === "client" ? leg : undefined,
      waits: isWaiting,
      bytes: bytes && encodeBase64(bytes),
      arrived: arrivedMs === undefined ? undefined : clocks.arrived(arrivedMs),
      queued: queuedKiB === 0 ? undefined : queuedKiB,
    });
    return [...gap, { at: atMs, from, ...what, ...rest } as RecordedEvent];
  });
  const lastMs = recorded.at(-1)?.at ?? 0;
  const happened = steps.flatMap((step) => (at[step] === undefined ? [] : [[step, clocks.at(at[step])]]));
  return {
    steps: Object.fromEntries(happened) as RecordedStream["steps"],
    events: [...recorded, ...gapUpTo("client", sentBytes, lastMs), ...gapUpTo("target", receivedBytes, lastMs)],
    ...defined({ ends: local && remote && { client: local, target: remote }, tls }),
  };
}

/**
 * The record of a line, whose clock starts at 0. Where the bytes of a flow were not kept, it has a gap; where it was running
 * when it was saved, it has no outcome.
 */
export function toStreamRecord(line: RecordedStream, bounds: RecordBounds): StreamRecord {
  const record = new StreamRecord(bounds);
  record.local = line.ends?.client;
  record.remote = line.ends?.target;
  record.tls = line.tls;
  for (const step of steps) if (line.steps[step] !== undefined) record.mark(step, line.steps[step]);
  for (const each of line.events) {
    const { at, leg = "target", from, count: byteCount, taken, rst, waits = false, arrived, queued = 0 } = each;
    const options: EventOptions = { leg, isWaiting: waits, arrivedMs: arrived, queuedKiB: queued };
    const isFromTarget = from === "target";
    const bytes = each.bytes === undefined ? undefined : decodeBase64(each.bytes);
    const { sentBytes, receivedBytes } = record;
    if (taken !== undefined) record.taken(taken, isFromTarget, at, options);
    else if (byteCount === undefined) record.ended(rst === true ? "rst" : "fin", isFromTarget, at, options);
    else if (line.flow !== undefined && bytes === undefined)
      record.missed(sentBytes + (isFromTarget ? 0 : byteCount), receivedBytes + (isFromTarget ? byteCount : 0));
    else if (isFromTarget) record.read(bytes ?? byteCount, at, options);
    else record.wrote(bytes ?? byteCount, at, options);
  }
  const { how, at: _, ...failure } = line.end;
  if (how === "failed") record.outcome = { kind: how, ...failure } as StreamOutcome;
  else if (how !== "running") record.outcome = { kind: "ended", reason: how };
  return record;
}

/** Base64 (RFC 4648, section 4) of many bytes. `Uint8Array.toBase64` would do it, but Node 24 does not have it. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  // A multiple of three, so that the pieces join, and few enough to be arguments.
  for (let from = 0; from < bytes.length; from += 24_576) {
    text += btoa(String.fromCharCode(...bytes.subarray(from, from + 24_576)));
  }
  return text;
}

/** The inverse of `encodeBase64`. @throws DOMException when the text is no base64 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** How a stream ended, as its line has it. @param atMs the milliseconds since it began */
export function endOf({ outcome }: StreamRecord, atMs: number): RecordedStream["end"] {
  if (outcome?.kind !== "failed") return { how: outcome?.reason ?? "running", at: atMs };
  const { kind: how, ...failure } = outcome;
  return { how, at: atMs, ...failure };
}
