/** Bytes as people read them: rows of an offset, hex pairs and characters; characters cut by reads. */

export interface HexRow {
  readonly offset: number;
  readonly cells: readonly HexCell[];
}

interface HexCell {
  readonly hex: string;
  /** The character, or `·` where there is none to show. */
  readonly character: string;
  readonly kind: "printable" | "space" | "control" | "high";
}

/** Bytes at hand, or kept in parts: those that are missing are `undefined`. */
export interface ByteSource {
  readonly length: number;
  slice(from: number, to: number): ArrayLike<number | undefined>;
}

/** The row number `row` of the bytes, `width` bytes in each. */
export function hexRow(source: ByteSource, row: number, width: number): HexRow {
  const offset = row * width;
  return { offset, cells: Array.from(source.slice(offset, offset + width), hexCell) };
}

/** A byte by itself; dashes stand for one that is missing. */
function hexCell(byte: number | undefined): HexCell {
  if (byte === undefined) return { hex: "--", character: " ", kind: "space" };
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
