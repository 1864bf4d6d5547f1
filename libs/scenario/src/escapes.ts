/** Text as a scenario and a terminal can show it: the inverse of what `readPieces` reads. */

import { encodeText } from "@wirebook/protocol";

/** Control codes, bytes that are no UTF-8, and what cannot be seen or turns the reading direction. */
const invisible = /[\0-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const named = new Map([
  ["\r", "\\r"],
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\0", "\\0"],
  ["\u001b", "\\e"],
]);

/** True when nothing in the text would have to be escaped. */
export function isVisible(text: string): boolean {
  invisible.lastIndex = 0;
  return !invisible.test(text);
}

export function escapeText(text: string): string {
  return text.replace(invisible, (found) => named.get(found) ?? escapeBytes(encodeText(found)));
}

/** The text of a quoted form, without its quotes. */
export function escapeQuoted(text: string): string {
  return escapeText(text.replaceAll(/[\\"]|\{\{/g, "\\$&"));
}

/** The text of a pattern that fits nothing else. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\*]|\{\{/g, "\\$&");
}

function escapeBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
