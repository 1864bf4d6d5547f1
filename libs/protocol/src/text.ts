/**
 * Bytes as text and back without losing any.
 *
 * Bytes that are not UTF-8 become the lone surrogates U+DC80 to U+DCFF, one for each byte (PEP 383, Python's
 * `surrogateescape`), which no valid UTF-8 yields; so the way back is exact. Quoting is JSON's (RFC 8259, section 7), with
 * every character that could move a cursor, change a colour, turn the reading direction or hide in a name escaped as well:
 * Unicode's Cc, Cf, Zl, Zp and Default_Ignorable_Code_Point.
 */

import { quotedCharactersMax } from "./limits.ts";

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What JSON leaves as it is although a terminal or a reader would not show it truthfully. */
const invisibleInJson = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** Control codes, bytes that are no UTF-8, and what cannot be seen or turns the reading direction. */
export const invisible = /[\u0000-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

export function decodeText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    let text = "";
    let start = 0; // Of what is well-formed and not decoded yet.
    for (let at = 0; at < bytes.length;) {
      const length = sequenceLength(bytes, at);
      at += Math.max(1, length);
      if (length > 0) continue;
      if (start < at - 1) text += strict.decode(bytes.subarray(start, at - 1));
      text += String.fromCharCode(0xdc00 + (bytes[at - 1] as number));
      start = at;
    }
    text += strict.decode(bytes.subarray(start));
    return text;
  }
}

/** The inverse of `decodeText`. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return utf8.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...utf8.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** The text as a JSON string in which nothing is left that acts on a terminal or on the reading direction. */
export function quoteText(text: string): string {
  return JSON.stringify(text).replace(invisibleInJson, escapeUnits);
}

/** The text for a line that is not quoted: as it is, but with the same characters escaped as in `quoteText`. */
export function plainText(text: string): string {
  return text.replace(invisible, escapeUnits);
}

/** The text, or its beginning of so many UTF-16 units and an ellipsis; a surrogate pair is not cut in two. */
export function cutText(text: string, charactersMax: number = quotedCharactersMax): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** Without the flag `u` each UTF-16 unit matches. */
function escapeUnits(character: string): string {
  return character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Length of the well-formed UTF-8 sequence at `at` (RFC 3629, section 4), or 0 when there is none. No decoder is asked: one
 * that throws takes microseconds, for each byte that a stranger sends.
 */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // The second byte tells overlong sequences, surrogates and what is above U+10FFFF.
  const second = bytes[at + 1] ?? 0;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  const rest = bytes.subarray(at + 2, at + length);
  return rest.length === length - 2 && rest.every((byte) => byte >> 6 === 0b10) ? length : 0;
}

/** Both arrays in one; the first itself when the second is empty, and the other way round. */
export function joinBytes(before: Uint8Array, after: Uint8Array): Uint8Array {
  if (before.length === 0) return after;
  return after.length === 0 ? before : joinAll([before, after]);
}

export function joinAll(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
