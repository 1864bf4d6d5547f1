/**
 * The bytes of a stream as lines, taken read by read. A line ends with LF, CRLF or CR, where the other direction begins to speak,
 * or at `lineBytesMax`. Rows hold bytes, so a character that two reads cut in two is whole.
 */

import { joinBytes, type StreamEvent } from "@wirebook/protocol";
import { firstLinesKept, lineBytesMax, streamLinesKept } from "../../limits.ts";
import type { Hidden } from "../../streams/stream.svelte.ts";

export interface Row extends Hidden {
  readonly id: number;
  /** `gap`: bytes that are not kept. */
  readonly kind: "data" | "fin" | "rst" | "gap";
  /** When its first byte went, on the gateway's clock. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const batchRows = 512;
const nothing: Uint8Array = new Uint8Array(0);

export class StreamLines {
  /** The index of the event that is taken next. */
  next = 0;
  /** Rows that were let go of behind the first ones, a batch at a time. */
  leftOut = 0;
  readonly rows: Row[] = [];
  readonly #from: number | undefined;
  readonly #to: number;
  readonly #taken = { received: 0, sent: 0 };

  /** @param from takes only what was received, from this offset on and up to, but not including, `to` */
  constructor(from?: number, to = Infinity) {
    this.#from = from;
    this.#to = to;
    this.#taken.received = from ?? 0;
  }

  take(events: readonly StreamEvent[]): void {
    for (const event of events) {
      this.next = event.index + 1;
      const isWithin = event.isFromTarget && event.kind === "data" && event.offset < this.#to;
      // The bytes of one that tells what was written stand where they were read.
      if (event.kind !== "written" && (this.#from === undefined || isWithin)) this.#takeEvent(event, event.kind);
    }
  }

  #takeEvent(event: StreamEvent, kind: "data" | "fin" | "rst"): void {
    const { isFromTarget, offset, bytes } = event;
    const way = isFromTarget ? "received" : "sent";
    const from = this.#taken[way];
    const start = Math.max(from, offset);
    const to = Math.min(offset + event.byteCount, this.#to);
    if (offset > from) this.#extend(event, "gap", from, offset);
    if (kind !== "data") this.#extend(event, kind, offset, offset);
    else if (bytes === undefined && to > start) this.#extend(event, "gap", start, to);
    else if (bytes !== undefined) this.#addBytes(event, bytes.subarray(0, to - offset), start - offset);
    this.#taken[way] = Math.max(from, to);
  }

  /** Whether a row ends before a byte depends on nothing but the bytes before it in the row: reads change nothing. */
  #addBytes(event: StreamEvent, bytes: Uint8Array, start: number): void {
    const last = this.#last(event, "data");
    let begin = start;
    let length = last?.bytes.length ?? 0;
    let before = last?.bytes.at(-1);
    let isNew = false;
    for (let at = start; at <= bytes.length; at++) {
      const byte = bytes[at];
      const isLineOver = before === lineFeed || (before === carriageReturn && byte !== undefined && byte !== lineFeed);
      // No character of UTF-8 is cut: it has four bytes at most, and begins with one from 0xc0 on.
      const isFull = length >= lineBytesMax || (length > lineBytesMax - 4 && byte !== undefined && byte >= 0xc0);
      if (byte === undefined || isLineOver || isFull) {
        const part = bytes.subarray(begin, at);
        if (part.length > 0) this.#extend(event, "data", event.offset + begin, event.offset + at, part, isNew);
        [begin, length, isNew] = [at, 0, true];
      }
      [before, length] = [byte, length + 1];
    }
  }

  /** Adds to the last row when it is of that kind and of the event's direction, or else a row. */
  #extend(event: StreamEvent, kind: Row["kind"], from: number, to: number, bytes = nothing, isNew = false): void {
    const { isFromTarget, atMs } = event;
    const last = isNew ? undefined : this.#last(event, kind);
    if (last?.to === from) {
      this.rows[this.rows.length - 1] = { ...last, to, bytes: joinBytes(last.bytes, bytes) };
      return;
    }
    this.rows.push({ id: this.leftOut + this.rows.length, kind, isFromTarget, atMs, from, to, bytes });
    if (this.rows.length > streamLinesKept) this.leftOut += this.rows.splice(firstLinesKept, batchRows).length;
  }

  #last({ isFromTarget }: StreamEvent, kind: Row["kind"]): Row | undefined {
    const last = this.rows.at(-1);
    return last?.kind === kind && last.isFromTarget === isFromTarget ? last : undefined;
  }
}

export function isRowHidden(hidden: readonly Hidden[], row: Row): boolean {
  return hidden.some((span) => span.isFromTarget === row.isFromTarget && span.from < row.to && span.to > row.from);
}
