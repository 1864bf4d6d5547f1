/** A line as a message of the stream: its text without its time, which is the cluster's [N-2]. */

import type { JsMsg } from "@nats-io/jetstream";
import { headers as createHeaders, type MsgHdrs } from "@nats-io/transport-node";
import { encodeRequestEntry, encodeResultEntry, encodeTime, type EntryResult } from "@wirebook/protocol";
import type { Actor, RequestEntry } from "@wirebook/history";

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

export function encodeRequestMessage({ address, message, isCut }: RequestEntry): Uint8Array {
  return encoder.encode(encodeRequestEntry("", address, message, isCut).slice(1));
}

export function encodeResultMessage({ address, user }: Actor, result: EntryResult): Uint8Array {
  return encoder.encode(encodeResultEntry("", address, user, result).slice(1));
}

export function encodeErasure(erasure: Erasure): MsgHdrs {
  if (erasure === "all") return headersOf({ [erasesHeader]: "all" });
  return headersOf({ [erasesHeader]: `${erasure.sequence}`, [erasedBytesHeader]: `${erasure.bytes}` });
}

export function decodeErasure(headers: MsgHdrs | undefined): Erasure | undefined {
  const erases = headers?.get(erasesHeader) ?? "";
  if (erases === "" || erases === "all") return erases || undefined;
  return { sequence: Number(erases), bytes: Number(headers?.get(erasedBytesHeader)) };
}

export const foreignHeaders = (): MsgHdrs => headersOf({ [foreignHeader]: "1" });

function headersOf(values: Readonly<Record<string, string>>): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of Object.entries(values)) headers.set(name, value);
  return headers;
}

function timestampFor({ headers }: StoredMessage, timeUs: number): string {
  return headers?.has(foreignHeader) === true ? "" : `${encodeTime(timeUs)} `;
}

/** The line of a message, with its line feed. */
export function encodeLine(message: StoredMessage, timeUs: number): Uint8Array {
  const timestamp = timestampFor(message, timeUs);
  const line = new Uint8Array(timestamp.length + message.data.length + 1);
  encoder.encodeInto(timestamp, line);
  line.set(message.data, timestamp.length);
  line[line.length - 1] = 0x0a;
  return line;
}

export function lineBytes(message: StoredMessage): number {
  return timestampFor(message, 0).length + message.data.length + 1;
}

export function storedOf({ seq, timestampNanos, subject, headers, data }: JsMsg): StoredMessage {
  return { sequence: seq, takenUs: Number(timestampNanos / 1000n), subject, headers, data };
}
