/** The bytes of one direction of a stream, as far as they are kept: to copy, to save, to look at. */

import { decodeText } from "@wirebook/protocol";
import type { StreamEvent, StreamRecord } from "@wirebook/protocol";
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
    return this.length - from - this.#parts(from, this.length).reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** A file with what is kept from `from` on, byte by byte. */
  toBlob(from = 0): Blob {
    const parts = this.#parts(from, this.length).map(({ bytes }) => bytes as Uint8Array<ArrayBuffer>);
    return new Blob(parts, { type: "application/octet-stream" });
  }

  toText(from = 0): string {
    return decodeText(this.join(from, this.length));
  }

  /** What is kept from `from` up to, but not including, `to`: shorter where bytes are missing. */
  join(from: number, to: number): Uint8Array {
    const parts = this.#parts(from, to).map(({ bytes }) => bytes);
    const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  /** Each byte from `from` up to, but not including, `to`; `undefined` where it is not kept. */
  slice(from: number, to: number): readonly (number | undefined)[] {
    const bytes: (number | undefined)[] = Array.from({ length: Math.max(0, Math.min(to, this.length) - from) });
    for (const part of this.#parts(from, to)) {
      part.bytes.forEach((byte, index) => (bytes[part.offset - from + index] = byte));
    }
    return bytes;
  }

  #parts(from: number, to: number): { offset: number; bytes: Uint8Array }[] {
    const parts = [];
    for (let index = this.#firstAt(from); index < this.#events.length; index++) {
      const { offset, bytes } = this.#events[index] as StreamEvent;
      if (offset >= to) break;
      const start = Math.max(0, from - offset);
      const part = bytes?.subarray(start, to - offset);
      if (part !== undefined && part.length > 0) parts.push({ offset: offset + start, bytes: part });
    }
    return parts;
  }

  /** The index of the event in which a byte is, or of the one behind it. Offsets only grow. */
  #firstAt(offset: number): number {
    return firstIndex(this.#events.length, (index) => {
      const event = this.#events[index] as StreamEvent;
      return event.offset + event.byteCount > offset;
    });
  }
}
