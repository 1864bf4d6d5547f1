/** Bytes as people read them: hex pairs and characters; characters cut by reads. */

/** Bytes at hand, or kept in parts: those that are missing are `undefined`. */
export interface ByteSource {
  readonly length: number;
  slice(from: number, to: number): ArrayLike<number | undefined>;
}

/** A byte as a hex pair and a character, `·` where there is none to show; dashes stand for a byte that is missing. */
export function hexCell(byte: number | undefined) {
  if (byte === undefined) return { hex: "--", character: " " };
  const hex = byte.toString(16).padStart(2, "0");
  if (byte === 0x0a) return { hex, character: "↵" };
  return { hex, character: byte < 0x20 || byte >= 0x7f ? "·" : String.fromCharCode(byte) };
}

/** Bytes of a UTF-8 character that its read has not, from the next read of that direction; 0 when none is cut. */
export function cutCharacter(bytes: Uint8Array, next: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const first = bytes[bytes.length - back] as number;
    if (first < 0x80) return 0;
    if (first < 0xc0) continue;
    const missing = (first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4) - back;
    const rest = next.subarray(0, Math.max(0, missing));
    return missing > 0 && rest.length === missing && rest.every(isInside) ? missing : 0;
  }
  return 0;
}

/** Where a span of bytes starts and ends in a read, moved so that it cuts no character. */
export function wholeCharacters(bytes: Uint8Array, from: number, to: number): readonly [from: number, to: number] {
  let [start, end] = [Math.max(0, from), Math.min(bytes.length, to)];
  while (start > 0 && isInside(bytes[start])) start -= 1;
  while (end < bytes.length && isInside(bytes[end])) end += 1;
  return [start, Math.max(start, end)];
}

function isInside(byte = 0): boolean {
  return (byte & 0xc0) === 0x80;
}
