/**
 * A line as a message of the stream: its text without its time, which is the cluster's [N-2].
 *
 * The message's sequence is its place in the one order on which all servers agree. Users see ranks, never sequences.
 */

import type { JsMsg } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import type { MsgHdrs } from "@nats-io/transport-node";
import { encodeRequestEntry, encodeResultEntry, encodeTime } from "@wirebook/protocol";
import type { EntryResult } from "@wirebook/protocol";
import type { Actor, RequestEntry } from "@wirebook/history";

/** A message as the stream has it. */
export interface StoredMessage {
  readonly sequence: number;
  /** When the cluster took it: microseconds since 1970. */
  readonly takenUs: number;
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** What the result of a delete takes away: one line, or all before it. */
export type Erasure = { readonly sequence: number; readonly bytes: number } | "all";

/** The sequence of the line that this message deletes, or `all` that came before it; and the bytes of that line. */
const erasesHeader = "Wirebook-Erases";
const erasedBytesHeader = "Wirebook-Erased-Bytes";
/** Set on an external line: its text is the whole line, with or without a time. */
const foreignHeader = "Wirebook-Foreign";

const encoder = new TextEncoder();
const timeCharacters = encodeTime(0).length;

export function encodeRequestMessage({ address, message, isCut }: RequestEntry): Uint8Array {
  return encoder.encode(encodeRequestEntry("", address, message, isCut).slice(1));
}

export function encodeResultMessage({ address, user }: Actor, result: EntryResult): Uint8Array {
  return encoder.encode(encodeResultEntry("", address, user, result).slice(1));
}

/** The headers of a message that deletes something. */
export function encodeErasure(erasure: Erasure): MsgHdrs {
  const headers = createHeaders();
  headers.set(erasesHeader, erasure === "all" ? "all" : String(erasure.sequence));
  if (erasure !== "all") headers.set(erasedBytesHeader, String(erasure.bytes));
  return headers;
}

export function decodeErasure(headers: MsgHdrs | undefined): Erasure | undefined {
  const erases = headers?.get(erasesHeader) ?? "";
  if (erases === "" || erases === "all") return erases || undefined;
  return { sequence: Number(erases), bytes: Number(headers?.get(erasedBytesHeader)) };
}

/** The headers of an external line. */
export function foreignHeaders(): MsgHdrs {
  const headers = createHeaders();
  headers.set(foreignHeader, "1");
  return headers;
}

function isForeign({ headers }: Pick<StoredMessage, "headers">): boolean {
  return headers?.has(foreignHeader) === true;
}

/** The line of a message, with its line feed. */
export function encodeLine(message: StoredMessage, timeUs: number): Uint8Array {
  const timestamp = isForeign(message) ? "" : `${encodeTime(timeUs)} `;
  const line = new Uint8Array(timestamp.length + message.data.length + 1);
  encoder.encodeInto(timestamp, line);
  line.set(message.data, timestamp.length);
  line[line.length - 1] = 0x0a;
  return line;
}

/** The length of that line. */
export function lineBytes(message: StoredMessage): number {
  return (isForeign(message) ? 0 : timeCharacters + 1) + message.data.length + 1;
}

/** A message that a consumer delivered. */
export function storedOf({ seq, timestampNanos, subject, headers, data }: JsMsg): StoredMessage {
  return { sequence: seq, takenUs: Number(timestampNanos / 1000n), subject, headers, data };
}
