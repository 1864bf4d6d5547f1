/** Bytes as people read them: rows of an offset, hex pairs and characters; the lines of a reply; characters cut by reads. */

import { decodeText, sequenceLength } from "@wirebook/protocol";
import type { Span } from "../byte-runs.ts";

export interface HexRow {
  readonly offset: number;
  readonly cells: readonly HexCell[];
}

export interface HexCell {
  readonly hex: string;
  /** The character, or `·` where there is none to show. */
  readonly character: string;
  /** Cells over which the character stands: its bytes in this row; 0 for those behind its first. */
  readonly width: number;
  readonly kind: "printable" | "space" | "control" | "high";
}

export function rowCount(bytes: number, width: number): number {
  return Math.ceil(bytes / width);
}

/** The row number `row` of the bytes, `width` bytes in each. */
export function hexRow(bytes: Uint8Array, row: number, width: number): HexRow {
  const offset = row * width;
  const cells = Array.from(bytes.subarray(offset, offset + width), hexCell);
  // From the first character that touches the row, which may begin in the row above.
  let at = Math.max(0, offset - 3);
  while (at < offset + cells.length) {
    const length = Math.max(1, sequenceLength(bytes, at));
    if (length > 1) spread(cells, decodeText(bytes.subarray(at, at + length)), at - offset, length);
    at += length;
  }
  return { offset, cells };
}

/** What cannot be seen, or would move what stands beside it. */
const unseen = /[\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}]/u;

/** Draws a character of several bytes once, over their cells; what of it stands in the row above is not repeated. */
function spread(cells: HexCell[], character: string, from: number, length: number): void {
  for (let at = Math.max(0, from); at < Math.min(cells.length, from + length); at++) {
    const isFirst = at === from;
    const width = isFirst ? Math.min(length, cells.length - at) : from < 0 ? 1 : 0;
    const isShown = isFirst && !unseen.test(character);
    cells[at] = { ...(cells[at] as HexCell), width, ...(isShown ? { character, kind: "printable" } : {}) };
  }
}

/** A byte by itself. */
export function hexCell(byte: number): HexCell {
  const hex = byte.toString(16).padStart(2, "0");
  const width = 1;
  if (byte === 0x0a) return { hex, width, character: "↵", kind: "control" };
  if (byte === 0x20) return { hex, width, character: " ", kind: "space" };
  if (byte < 0x20 || byte === 0x7f) return { hex, width, character: "·", kind: "control" };
  if (byte >= 0x80) return { hex, width, character: "·", kind: "high" };
  return { hex, width, character: String.fromCharCode(byte), kind: "printable" };
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

/** Bytes of a UTF-8 character that its read has not, from the next read of that direction; 0 when none is cut. */
export function cutCharacter(bytes: Uint8Array, next: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const first = bytes[bytes.length - back] as number;
    if (first < 0x80) return 0;
    if (first < 0xc0) continue;
    const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const missing = length - back;
    const rest = next.subarray(0, Math.max(0, missing));
    return missing > 0 && rest.length === missing && rest.every((byte) => byte >= 0x80 && byte < 0xc0) ? missing : 0;
  }
  return 0;
}

/** Where a span of bytes starts and ends in a read, moved so that it cuts no character. */
export function wholeCharacters(bytes: Uint8Array, from: number, to: number): readonly [from: number, to: number] {
  const isInside = (at: number) => ((bytes[at] ?? 0) & 0xc0) === 0x80;
  let [start, end] = [Math.max(0, from), Math.min(bytes.length, to)];
  while (start > 0 && isInside(start)) start -= 1;
  while (end < bytes.length && isInside(end)) end += 1;
  return [start, Math.max(start, end)];
}
