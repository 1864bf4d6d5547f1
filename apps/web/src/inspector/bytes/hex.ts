/** Bytes as people read them: rows of an offset, hex pairs and characters, and the lines of a reply. */

import type { Span } from "../byte-runs.ts";

export interface HexRow {
  readonly offset: number;
  readonly cells: readonly HexCell[];
}

export interface HexCell {
  readonly hex: string;
  /** The character, or `·` where there is none to show. */
  readonly character: string;
  readonly kind: "printable" | "space" | "control" | "high";
}

export function rowCount(bytes: number, width: number): number {
  return Math.ceil(bytes / width);
}

/** The row number `row` of the bytes, `width` bytes in each. */
export function hexRow(bytes: Uint8Array, row: number, width: number): HexRow {
  const offset = row * width;
  return { offset, cells: Array.from(bytes.subarray(offset, offset + width), hexCell) };
}

export function hexCell(byte: number): HexCell {
  const hex = byte.toString(16).padStart(2, "0");
  if (byte === 0x0a) return { hex, character: "↵", kind: "control" };
  if (byte === 0x20) return { hex, character: " ", kind: "space" };
  if (byte < 0x20 || byte === 0x7f) return { hex, character: "·", kind: "control" };
  if (byte >= 0x80) return { hex, character: "·", kind: "high" };
  return { hex, character: String.fromCharCode(byte), kind: "printable" };
}

/** `0000`, `01a0`, longer only where it must be. */
export function offsetText(offset: number): string {
  return offset.toString(16).padStart(4, "0");
}

/** A line of a reply, or its part in one read. */
export interface ReadLine {
  /** Without its line feed. */
  readonly bytes: Uint8Array;
  /** With its line feed. */
  readonly span: Span;
}

const lineFeed = 0x0a;

/** The first lines of a read that starts at an offset of the reply. */
export function linesOf(read: Uint8Array, offset: number, linesMax: number): readonly ReadLine[] {
  const lines: ReadLine[] = [];
  let from = 0;
  while (from < read.length && lines.length < linesMax) {
    const feed = read.indexOf(lineFeed, from);
    const end = feed < 0 ? read.length : feed;
    const to = feed < 0 ? read.length : feed + 1;
    lines.push({
      bytes: read.subarray(from, end),
      span: { stream: "received", from: offset + from, to: offset + to },
    });
    from = to;
  }
  return lines;
}
