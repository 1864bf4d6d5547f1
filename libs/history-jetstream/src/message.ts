/** A line as a message of the stream: its text without its time, which is the cluster's. */

import { encodeRequestEntry, encodeResultEntry, encodeTime } from "@wirebook/protocol";
import type { Outcome } from "@wirebook/protocol";
import type { MsgHdrs } from "@nats-io/transport-node";
import type { Actor, RequestEntry } from "@wirebook/history";
import { headers as names } from "./names.ts";

/** A message as the stream has it. */
export interface StoredMessage {
  readonly sequence: number;
  /** When the cluster took it: microseconds since 1970. */
  readonly takenUs: number;
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** What an outcome takes away: one line, or all before it. */
export type Erasure = { readonly sequence: number; readonly bytes: number } | "all";

const encoder = new TextEncoder();
const timeCharacters = encodeTime(0).length;

/** The data of the message that says what was asked. */
export function encodeAskedMessage({ address, message, isCut }: RequestEntry): Uint8Array {
  return encoder.encode(encodeRequestEntry("", address, message, isCut).slice(1));
}

/** The data of the message that says what came of it. */
export function encodeOutcomeMessage({ address, user }: Actor, outcome: Outcome): Uint8Array {
  return encoder.encode(encodeResultEntry("", address, user, outcome).slice(1));
}

/** The line of a message, with its line feed; a foreign line is the whole of its data. */
export function lineOf({ headers, data }: Pick<StoredMessage, "headers" | "data">, timeUs: number): Uint8Array {
  const head = isForeign(headers) ? "" : `${encodeTime(timeUs)} `;
  const line = new Uint8Array(head.length + data.length + 1);
  encoder.encodeInto(head, line);
  line.set(data, head.length);
  line[line.length - 1] = 0x0a;
  return line;
}

/** How long that line is. */
export function lineBytes({ headers, data }: Pick<StoredMessage, "headers" | "data">): number {
  return (isForeign(headers) ? 0 : timeCharacters + 1) + data.length + 1;
}

/** What the message takes away, if it is an outcome of a delete. */
export function erasureOf(headers: MsgHdrs | undefined): Erasure | undefined {
  const erases = headers?.get(names.erases) ?? "";
  if (erases === "") return undefined;
  if (erases === "all") return "all";
  return { sequence: Number(erases), bytes: Number(headers?.get(names.erasedBytes)) };
}

function isForeign(headers: MsgHdrs | undefined): boolean {
  return headers?.has(names.foreign) === true;
}
