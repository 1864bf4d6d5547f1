/**
 * The record of an exchange: all that is known of it, as one line of JSON that outlives the page.
 *
 * Times are milliseconds since `startedAt`, on one clock. `wire` has what went over TCP in the order in which it was
 * noted: a write that the kernel had taken, or what one read gave, with its bytes in base64, or how many there were when
 * they were not kept. `frames` has the WebSocket messages of the page, if there were any, as it saw them; those that
 * carried bytes name their place in `wire`. No line holds a key.
 */

import * as z from "zod/mini";
import { decodeTime, endReasons, frameErrorCodes, hops, steps } from "@wirebook/protocol";
import { encodeAddress } from "./segment.ts";

/** Of the records that this program writes and reads. */
export const recordVersion = 1;

const milliseconds = z.number();
const count = z.int().check(z.minimum(0));
const base64 = z.base64();

const endpoint = z.strictObject({
  address: z.string().check(z.refine((text) => encodeAddress(text) !== undefined)),
  port: z.int().check(z.minimum(0), z.maximum(65_535)),
});

const wireItem = z.strictObject({
  at: milliseconds,
  /** True when the gateway noted no time: it is that of the frame that brought the bytes. */
  isArrival: z.optional(z.literal(true)),
  from: z.enum(["client", "server"]),
  /** The bytes; absent when they were not kept. */
  bytes: z.optional(base64),
  /** How many they were. */
  count,
});

/** A write or a read of an exchange. */
export type WireItem = z.infer<typeof wireItem>;

const frame = z.strictObject({
  at: milliseconds,
  direction: z.enum(["sent", "received"]),
  name: z.string(),
  /** Of a text frame. */
  text: z.optional(z.string()),
  /** Of a binary frame: the item of `wire` with its bytes. */
  wire: z.optional(count),
});

/** A WebSocket message of an exchange. */
export type RecordedFrame = z.infer<typeof frame>;

const end = z.strictObject({
  how: z.enum(["running", ...endReasons, "failed"]),
  at: milliseconds,
  /** Of a failure. */
  code: z.optional(z.enum([...frameErrorCodes, "gateway-lost"])),
  hop: z.optional(z.enum(hops)),
  message: z.optional(z.string()),
});

/** What one line of a session says of one exchange. */
export const exchangeRecord = z.strictObject({
  type: z.literal("exchange"),
  version: z.literal(recordVersion),
  /** By the calendar, to the microsecond, in UTC. */
  startedAt: z.string().check(z.refine((text) => decodeTime(text) !== undefined)),
  /** The message as text, without a key. */
  message: z.string(),
  /** The page makes exchanges of its own. */
  by: z.enum(["user", "page"]),
  purpose: z.optional(z.string()),
  /** Both ends of the TCP connection; absent when there never was one. */
  ends: z.optional(z.strictObject({ client: endpoint, server: endpoint })),
  steps: z.partialRecord(z.enum(steps), milliseconds),
  /** How wrong the gateway's times may be against the page's, to either side; absent when it was not measured. */
  clockErrorMs: z.optional(milliseconds),
  wire: z.array(wireItem),
  frames: z.array(frame),
  end,
});

/** An exchange that can be written down and read again. */
export type ExchangeRecord = z.infer<typeof exchangeRecord>;

/** The bytes of an item; `undefined` when they were not kept. */
export function bytesOfItem({ bytes }: WireItem): Uint8Array<ArrayBuffer> | undefined {
  return bytes === undefined ? undefined : decodeBase64(bytes);
}

/** The first line of a session. */
export const sessionHead = z.strictObject({
  type: z.literal("session"),
  version: z.literal(recordVersion),
  /** The program that wrote it. */
  program: z.string(),
  exportedAt: z.string(),
  note: z.string(),
});

/** Bytes for one call of `btoa`: a multiple of three, so that the pieces join, and few enough to be arguments. */
const pieceBytes = 3 * 8192;

/** Base64 (RFC 4648, section 4) of many bytes. `Uint8Array.toBase64` would do it, but not all browsers have it yet. */
export function encodeBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(from, from + pieceBytes))));
  }
  return pieces.join("");
}

/** The inverse of `encodeBase64`. @throws DOMException when the text is no base64 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
