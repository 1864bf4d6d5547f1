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
  ["an IP address", String.raw`\b\d{1,3}(?:\.\d{1,3}){3}\b`],
  [
    "a host name",
    String.raw`(?<=^\d{3}-|(?<![@\w.-]))(?!\d{3}-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,10}\.[a-z]{2,24}\b`,
  ],
  ["a long number", String.raw`\b\d{5,}\b`],
  ["an id", String.raw`\b(?=[a-z]{0,40}\d)(?=\d{0,40}[a-z])[0-9a-z]{8,}\b`],
];
const varying = new RegExp(kinds.map(([, form]) => `(${form})`).join("|"), "gi");

/** What varies in the line, and a pattern that lets it; `undefined` when nothing does. */
export function findWhatVaries(line: string): { readonly what: string; readonly pattern: string } | undefined {
  const names = new Set<string>();
  let pattern = "";
  let end = 0;
  for (const match of line.matchAll(varying)) {
    const place = match.slice(1).findIndex((group) => group !== undefined);
    names.add((kinds[place] as readonly [string, string])[0]);
    pattern += `${escapePattern(line.slice(end, match.index))}*`;
    end = match.index + match[0].length;
  }
  if (names.size === 0) return undefined;
  return { what: [...names].join(", "), pattern: pattern + escapePattern(line.slice(end)) };
}
