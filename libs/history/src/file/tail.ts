/**
 * The end of a file that is being opened: is its last line whole [H-13], and what was the last time [H-2]?
 *
 * Lines are read as Latin-1 here: only their form matters, and no byte gets in the way.
 */

import { decodeEntry, decodeTime } from "@wirebook/protocol";

const timePattern = "dddd-dd-ddTdd:dd:dd.ddddddZ";

/** What the bytes behind the last line feed are: `whole` but for their line feed, or `torn` from a line of ours. */
export type TailKind = "whole" | "torn";

/**
 * Judges a last line that has no line feed.
 *
 * It is torn when it may be the beginning of a line that this program was writing: when it begins as a time does, as
 * far as it goes, and is no whole entry; or when it holds a NUL, which a power cut can leave and no text has. Anything
 * else was written by somebody else, who gave it no line feed, and is whole.
 */
export function classifyTail(bytes: Uint8Array): TailKind {
  const text = Buffer.from(bytes).toString("latin1");
  if (text.includes("\0")) return "torn";
  if (!beginsAsTime(text)) return "whole";
  return decodeEntry(text).kind === "foreign" ? "torn" : "whole";
}

/** The greatest time in microseconds among the entries in these bytes; 0 when there is none but foreign lines. */
export function lastTimeIn(bytes: Uint8Array): number {
  let last = "";
  for (const line of Buffer.from(bytes).toString("latin1").split("\n").toReversed()) {
    // Times sort as text, and the last is the greatest unless somebody wrote it by hand: few lines get past this.
    if (line.slice(0, timePattern.length) <= last) continue;
    const entry = decodeEntry(line);
    if (entry.kind !== "foreign" && decodeTime(entry.time) !== undefined) last = entry.time;
  }
  return decodeTime(last) ?? 0;
}

function beginsAsTime(text: string): boolean {
  return [...timePattern].every((expected, at) => {
    const actual = text[at];
    return actual === undefined || (expected === "d" ? /\d/.test(actual) : actual === expected);
  });
}
