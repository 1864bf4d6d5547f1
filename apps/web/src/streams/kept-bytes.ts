/** The bytes of one direction of a stream, as far as they are kept: to copy, to save, to look at. */

import { decodeText, joinAll, type StreamEvent, type StreamRecord } from "@wirebook/protocol";
import { firstIndex } from "../ui/first-index.ts";

export class KeptBytes {
  readonly length: number;
  readonly #events: readonly StreamEvent[];

  constructor(record: StreamRecord, isFromTarget: boolean) {
    this.length = isFromTarget ? record.receivedBytes : record.sentBytes;
    this.#events = isFromTarget ? record.reads : record.writes;
  }

  /** Bytes from `from` on that are not kept. */
  missing(from = 0): number {
    return this.length - from - this.#parts(from).reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  toBlob(from = 0): Blob {
    const parts = this.#parts(from).map(({ bytes }) => bytes as Uint8Array<ArrayBuffer>);
    return new Blob(parts, { type: "application/octet-stream" });
  }

  toText(from = 0): string {
    return decodeText(this.join(from, this.length));
  }

  /** What is kept from `from` up to, but not including, `to`: shorter where bytes are missing. */
  join(from: number, to: number): Uint8Array {
    return joinAll(this.#parts(from, to).map(({ bytes }) => bytes));
  }

  /** Each byte from `from` up to, but not including, `to`; `undefined` where it is not kept. */
  slice(from: number, to: number): readonly (number | undefined)[] {
    const bytes: (number | undefined)[] = Array.from({ length: Math.max(0, Math.min(to, this.length) - from) });
    for (const part of this.#parts(from, to)) {
      part.bytes.forEach((byte, index) => (bytes[part.offset - from + index] = byte));
    }
    return bytes;
  }

  /** Offsets only grow, so the first event is found by halving. */
  #parts(from: number, to = this.length) {
    const eventAt = (index: number) => this.#events[index] as StreamEvent;
    const first = firstIndex(this.#events.length, (index) => eventAt(index).offset + eventAt(index).byteCount > from);
    const parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
    for (let index = first; index < this.#events.length && eventAt(index).offset < to; index++) {
      const { offset, bytes } = eventAt(index);
      const start = Math.max(0, from - offset);
      const part = bytes?.subarray(start, to - offset);
      if (part !== undefined && part.length > 0) parts.push({ offset: offset + start, bytes: part });
    }
    return parts;
  }
}
