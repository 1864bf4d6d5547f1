/** Which lines somebody wants to see: by text, user, operation and time. All that is given must fit. */

import { sketchLine } from "../view/line-sketch.ts";

/** What is wanted, as it was typed; `""` for anything. */
export interface LineFilter {
  readonly text: string;
  readonly user: string;
  readonly operation: string;
  /** A time as far as it is known: `2026-11-22T20:31`. The line's must not be before it… */
  readonly since: string;
  /** …and not after it. */
  readonly until: string;
}

/** Anything. */
export const anyLine: LineFilter = { text: "", user: "", operation: "", since: "", until: "" };

const timePrefix = /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d{1,6})?)?)?)?)?)?$/;

/** True when every line fits. */
export function isAny(filter: LineFilter): boolean {
  return Object.values(filter).every((wanted: string) => wanted.trim() === "");
}

/** A time as it may be typed, in the form that lines have; `undefined` when it is none. */
export function readTimePrefix(typed: string): string | undefined {
  const text = typed
    .trim()
    .replace(/(?<=^\S+)\s+/, "T")
    .replace(/Z$/i, "")
    .toUpperCase();
  return text === "" || timePrefix.test(text) ? text : undefined;
}

/** What is wrong with a filter, in words; `undefined` when nothing is. */
export function problemOf({ since, until }: LineFilter): string | undefined {
  for (const typed of [since, until]) {
    if (readTimePrefix(typed) === undefined) {
      return `“${typed}” is no time; type as much of 2026-11-22 20:31:05 as you know, in UTC.`;
    }
  }
  return undefined;
}

/** Says of lines whether they fit. */
export function createMatcher(filter: LineFilter): (line: string) => boolean {
  const text = filter.text.trim().toLowerCase();
  const user = filter.user.trim().toLowerCase();
  const operation = filter.operation.trim();
  const since = readTimePrefix(filter.since) ?? "";
  const until = readTimePrefix(filter.until) ?? "";
  const needsSketch = [user, operation, since, until].some((wanted) => wanted !== "");
  return (line) => {
    if (text !== "" && !line.toLowerCase().includes(text)) return false;
    if (!needsSketch) return true;
    const sketch = sketchLine(line);
    if (user !== "" && sketch.user.toLowerCase() !== user) return false;
    if (operation !== "" && sketch.operation !== operation) return false;
    return isWithin(sketch.time, since, until);
  };
}

/** Times sort as text, and so do their beginnings: `2026-11-22T20` holds the whole hour. */
function isWithin(time: string, since: string, until: string): boolean {
  if (since === "" && until === "") return true;
  if (time === "") return false;
  return (since === "" || time >= since) && (until === "" || time.slice(0, until.length) <= until);
}

/** A filter in words, for a notice. */
export function describeFilter({ text, user, operation, since, until }: LineFilter): string {
  const parts = [
    text.trim() === "" ? "" : `containing “${text.trim()}”`,
    user.trim() === "" ? "" : `by ${user.trim()}`,
    operation === "" ? "" : `with ${operation === "none" ? "no operation" : `operation ${operation}`}`,
    since.trim() === "" ? "" : `since ${since.trim()}`,
    until.trim() === "" ? "" : `until ${until.trim()}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}
