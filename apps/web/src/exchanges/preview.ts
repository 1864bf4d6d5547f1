/** What a card shows of a response, without ever making one big string of it. */

import { decodeText, joinBytes, plainText } from "@wirebook/protocol";
import type { StreamRecord } from "@wirebook/protocol";

/** The start and the end of a response, or all of it. */
export interface Preview {
  readonly head: string;
  readonly hiddenBytes: number;
  readonly tail: string;
}

const lineFeed = 0x0a;

/**
 * Shows at most `bytesMax` bytes of the reply between two offsets, three quarters of them from the start, and cuts
 * between lines where there are any.
 */
export function previewOf(record: StreamRecord, from: number, to: number, bytesMax: number): Preview {
  if (to - from <= bytesMax) return { head: visible(bytesOf(record, from, to)), hiddenBytes: 0, tail: "" };
  const head = bytesOf(record, from, from + Math.floor(bytesMax * 0.75));
  const tail = bytesOf(record, to - Math.floor(bytesMax * 0.25), to);
  const wholeHead = head.subarray(0, head.lastIndexOf(lineFeed) + 1 || head.length);
  // No line starts behind a line feed that is the last byte.
  const wholeTail = tail.subarray(tail.subarray(0, -1).indexOf(lineFeed) + 1);
  return {
    head: visible(wholeHead),
    hiddenBytes: to - from - wholeHead.length - wholeTail.length,
    tail: visible(wholeTail),
  };
}

/** The reply's bytes from `from` on, for a file. */
export function blobOf(record: StreamRecord, from: number, to: number): Blob {
  return new Blob(replyParts(record, from, to) as Uint8Array<ArrayBuffer>[], { type: "text/plain; charset=utf-8" });
}

/** The reply's bytes from `from` up to, but not including, `to`, as far as they are kept. */
function replyParts(record: StreamRecord, from: number, to: number): Uint8Array[] {
  return record.reads.flatMap(({ offset, bytes }) => {
    const part = bytes?.subarray(Math.max(0, from - offset), Math.max(0, to - offset)) ?? [];
    return part.length === 0 ? [] : [part as Uint8Array];
  });
}

/** Bytes of the reply that are not kept. */
export function droppedBytes(record: StreamRecord): number {
  return record.receivedBytes - record.reads.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
}

function bytesOf(record: StreamRecord, from: number, to: number): Uint8Array {
  return replyParts(record, from, to).reduce(joinBytes, new Uint8Array(0));
}

/** Characters that act on a terminal or on the reading direction are shown escaped; line feeds and tabs stay. */
function visible(bytes: Uint8Array): string {
  return decodeText(bytes)
    .split(/(\n|\t)/)
    .map((part) => (part === "\n" || part === "\t" ? part : plainText(part)))
    .join("");
}
