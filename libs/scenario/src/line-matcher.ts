/**
 * Whether a line fits a pattern, in time that is linear in both.
 *
 * The pattern is literals with open places between them. The first literal stands at the beginning of the line, the last one
 * at its end, and each other one where it is found first. That is enough: open places are independent of each other, so
 * a literal that is found earlier leaves more to those behind it, and no choice has to be taken back.
 */

import type { Piece } from "./scenario.ts";
import { lineBytesMax } from "./scenario.ts";

/** The values that an expectation has kept. */
export type Kept = ReadonlyMap<string, string>;

/** What a line gives for the values that are kept, the shortest runs that fit; `undefined` when it does not fit. */
export type LineMatcher = (line: string) => Kept | undefined;

/** Values that are not known are kept. */
export function createLineMatcher(pieces: readonly Piece[], values: Kept): LineMatcher {
  let first = "";
  /** Each open place, with the name of the value that it keeps, and the literal behind it. */
  const others: { readonly name: string | undefined; literal: string }[] = [];
  let lengthMin = 0;
  for (const piece of pieces) {
    const name = piece.kind === "value" ? piece.name : undefined;
    const text = piece.kind === "text" ? piece.text : name && values.get(name);
    if (text === undefined) {
      others.push({ name, literal: "" });
      continue;
    }
    lengthMin += text.length;
    // No line is that long; and a long value is not repeated often for nothing.
    if (lengthMin > lineBytesMax) return () => undefined;
    const last = others.at(-1);
    if (last === undefined) first += text;
    else last.literal += text;
  }
  const last = others.pop();
  if (last === undefined) return (line) => (line === first ? new Map() : undefined);
  const finds = others.map(({ literal }) => createFind(literal));
  return (line) => {
    // Without the length, many short lines and one long pattern would take long.
    if (line.length < lengthMin || !line.startsWith(first) || !line.endsWith(last.literal)) return undefined;
    const kept = new Map<string, string>();
    let from = first.length;
    for (const [place, { name, literal }] of others.entries()) {
      const found = (finds[place] as Find)(line, from);
      if (found < 0) return undefined;
      if (name !== undefined) kept.set(name, line.slice(from, found));
      from = found + literal.length;
    }
    const end = line.length - last.literal.length;
    if (from > end) return undefined;
    if (last.name !== undefined) kept.set(last.name, line.slice(from, end));
    return kept;
  };
}

type Find = (line: string, from: number) => number;

/** The algorithm of Knuth, Morris and Pratt: `indexOf` takes a second for some 32 KiB in 64 KiB. */
function createFind(text: string): Find {
  /** For each beginning of the text: how long the longest shorter beginning is with which it ends too. */
  const borders = [0];
  /** How much of the text is matched after one more unit. */
  const extend = (matched: number, unit: number): number => {
    let length = matched;
    while (length > 0 && text.charCodeAt(length) !== unit) length = borders[length - 1] as number;
    return text.charCodeAt(length) === unit ? length + 1 : 0;
  };
  for (let at = 1, matched = 0; at < text.length; at++) borders.push((matched = extend(matched, text.charCodeAt(at))));
  return (line, from) => {
    if (text === "") return from;
    for (let at = from, matched = 0; at < line.length; at++) {
      matched = extend(matched, line.charCodeAt(at));
      if (matched === text.length) return at + 1 - text.length;
    }
    return -1;
  };
}
