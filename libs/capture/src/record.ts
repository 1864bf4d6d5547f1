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
  endReasons,
  flowFaults,
  flowOrigins,
  frameErrorCodes,
  hops,
  readRate,
  schedule,
  steps,
  tlsFacts,
  transports,
} from "@wirebook/protocol";
import { encodeAddress } from "./segment.ts";

/** Of the records that this program writes. It also reads version 1. */
export const recordVersion = 2;

export const milliseconds = z.number();
export const count = z.int().check(z.minimum(0));

/** A moment by the calendar, to the microsecond, in UTC. */
export const calendarTime = z.string().check(z.refine((text) => decodeTime(text) !== undefined));

export const endpoint = z.strictObject({
  address: z.string().check(z.refine((text) => encodeAddress(text) !== undefined)),
  port: z.int().check(z.minimum(0), z.maximum(65_535)),
});

const event = z
  .strictObject({
    at: milliseconds,
    from: z.enum(["client", "target"]),
    /** The bytes of a write or a read; absent when they were not kept. */
    bytes: z.optional(z.base64()),
    /** How many they were. */
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

/** A write, a read, a FIN or an RST of a stream. */
export type RecordedEvent = z.infer<typeof event>;

const frame = z.strictObject({
  at: milliseconds,
  direction: z.enum(["sent", "received"]),
  name: z.string(),
  text: z.string(),
});

/** A text frame of a stream. */
export type RecordedFrame = z.infer<typeof frame>;

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

/** What one line of a session says of one stream. */
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
        /** Both ends of the client's connection. */
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

/** A stream that can be written down and read again. */
export type RecordedStream = z.infer<typeof recordedStream>;

/** The first line of a session. */
export const sessionHead = z.strictObject({
  type: z.literal("session"),
  version: z.literal([1, recordVersion]),
  /** The program that wrote it. */
  program: z.string(),
  exportedAt: z.string(),
  note: z.string(),
});
