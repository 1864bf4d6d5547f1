/** What a typed line becomes on the way to any target: its lines with their end, or the bytes that are typed in hex. */

import { encodeText } from "@wirebook/protocol";

export const lineEnds = { LF: "\n", CRLF: "\r\n", CR: "\r", none: "" } as const;

export type LineEnd = keyof typeof lineEnds;

export function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/u);
}

/** A paste ends with a line end that starts no other line. */
export function withoutLineEnd(text: string): string {
  return text.replace(/(\r\n|\r|\n)$/u, "");
}

/** Each line with its end. Without one, lines keep the line feed between them, and the last gets nothing. */
export function encodeLines(text: string, lineEnd: LineEnd): Uint8Array {
  const lines = linesOf(withoutLineEnd(text));
  if (lineEnd === "none") return encodeText(lines.join("\n"));
  return encodeText(lines.map((line) => line + lineEnds[lineEnd]).join(""));
}

/** Reads `50 49 4e 47 0d 0a`; spaces, line feeds, colons and commas may stand between bytes. A string says what is wrong. */
export function decodeHex(text: string): Uint8Array | string {
  const bytes: number[] = [];
  for (const { 0: word, index } of text.matchAll(/[^\s:,]+/gu)) {
    const wrong = word.search(/[^0-9a-f]/iu);
    if (wrong >= 0) {
      const character = String.fromCodePoint(word.codePointAt(wrong) as number);
      return `"${character}" at character ${index + wrong + 1} is no hex digit; type digits 0-9 and a-f`;
    }
    if (word.length % 2 === 1)
      return `the byte at character ${index + word.length} has one digit, "${word.at(-1)}"; a byte has two, such as 0d`;
    for (let at = 0; at < word.length; at += 2) bytes.push(Number.parseInt(word.slice(at, at + 2), 16));
  }
  return Uint8Array.from(bytes);
}

export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
