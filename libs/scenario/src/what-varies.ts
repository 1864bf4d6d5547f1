/** Finds what a line of a target will probably say otherwise the next time, for the comments of a written scenario. */

import { escapePattern } from "./text.ts";

const month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const clock = String.raw`\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?`;
const zone = String.raw`(?: ?(?:Z|GMT|UTC|[+-]\d\d:?\d\d))?`;

/** What each is called, and its form. The first one that fits counts. */
const kinds: readonly (readonly [string, string])[] = [
  ["a date", String.raw`\b(?:\w{3}, )?(?:\d{1,2} ${month} \d{4}|\d{4}-\d\d-\d\d)(?:[T ]${clock})?${zone}`],
  ["a date", String.raw`\b(?:\w{3} )?${month} [ \d]\d ${clock}(?: \d{4})?`],
  ["a time", String.raw`\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`],
  ["a message id", String.raw`<[^<>@\s]{0,100}\d{4}[^<>@\s]{0,100}@[^<>@\s]{1,100}>`],
  ["an id", String.raw`\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`],
  // A message of Exim.
  ["an id", String.raw`\b[0-9a-z]{6}-[0-9a-z]{6}(?:[0-9a-z]{5})?-[0-9a-z]{2}(?:[0-9a-z]{2})?\b`],
  ["an IP address", String.raw`\b\d{1,3}(?:\.\d{1,3}){3}\b`],
  [
    "a host name",
    String.raw`(?<=^\d{3}-|(?<![@\w.-]))(?!\d{3}-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,10}\.[a-z]{2,24}\b`,
  ],
  // SMTP announces its limit so.
  ["a long number", String.raw`\b(?<!\bSIZE[ =])\d{5,}\b`],
  ["an id", String.raw`\b[0-9a-z]{6,}\b`],
];
const varying = new RegExp(kinds.map(([, form]) => `(${form})`).join("|"), "gi");

/** What varies in the line, and a pattern that lets it; `undefined` when nothing does. What was `sent` is only repeated. */
export function findWhatVaries(line: string, sent: string) {
  const names = new Set<string>();
  let pattern = "";
  let end = 0;
  for (const match of line.matchAll(varying)) {
    const [found] = match;
    const [name = ""] = kinds[match.slice(1).findIndex((group) => group !== undefined)] ?? [];
    if (sent.includes(found) || (name === "an id" && !isId(found))) continue;
    // A name such as `RFC822.SIZE`.
    if (name === "a host name" && found === found.toUpperCase()) continue;
    names.add(name);
    pattern += `${escapePattern(line.slice(end, match.index))}*`;
    end = match.index + found.length;
  }
  if (names.size === 0) return undefined;
  return { what: [...names].join(", "), pattern: pattern + escapePattern(line.slice(end)) };
}

/** Digits among letters, as in `4f2a9c81d`; but not a word with a number, as `8BITMIME`, `IMAP4rev1` or `SHA256`. */
function isId(text: string): boolean {
  const changes = text.match(/\d(?=[a-z])|[a-z](?=\d)/gi)?.length ?? 0;
  if (text.includes("-") || /^(?:[0-9a-f]+|[0-9A-F]+)$/.test(text)) return changes > 0;
  const isMixed = changes > 0 && text.length >= 16 && /[a-z]/.test(text) && /[A-Z]/.test(text);
  return isMixed || (changes >= 4 && text.length >= 8);
}
