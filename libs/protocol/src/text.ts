/**
 * Bytes as text and back without losing any.
 *
 * Bytes that are not UTF-8 become the lone surrogates U+DC80 to U+DCFF, one for each byte (PEP 383, Python's
 * `surrogateescape`), which no valid UTF-8 yields; so the way back is exact. Quoting is JSON's (RFC 8259, section 7), with
 * every character that could move a cursor, change a colour, turn the reading direction or hide in a name escaped as well:
 * Unicode's Cc, Cf, Zl, Zp and Default_Ignorable_Code_Point.
 */

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What JSON leaves as it is although a terminal or a reader would not show it truthfully. */
const invisible = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const invisibleUnquoted = /[\u0000-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

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
    for (let at = 0, length = 0; at < bytes.length; at += Math.max(1, length)) {
      length = sequenceLength(bytes, at);
      if (length === 0) text += String.fromCharCode(0xdc00 + (bytes[at] as number));
      else text += strict.decode(bytes.subarray(at, at + length));
    }
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
  return JSON.stringify(text).replace(invisible, escapeUnits);
}

/** The text for a line that is not quoted: as it is, but with the same characters escaped as in `quoteText`. */
export function plainText(text: string): string {
  return text.replace(invisibleUnquoted, escapeUnits);
}

function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** Length of the well-formed UTF-8 sequence at `at` (RFC 3629, section 4), or 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  return [1, 2, 3, 4].find((length) => isUtf8(bytes.subarray(at, at + length))) ?? 0;
}

/** Both arrays in one; the first itself when the second is empty, and the other way round. */
export function joinBytes(before: Uint8Array, after: Uint8Array): Uint8Array {
  if (before.length === 0) return after;
  if (after.length === 0) return before;
  const joined = new Uint8Array(before.length + after.length);
  joined.set(before);
  joined.set(after, before.length);
  return joined;
}
