/** A filter of lines by text, user, operation and time. A line must match all that is given. */

import { sketchLine } from "../view/line-text.ts";

/** The filter as it was typed; `""` for anything. */
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

/** True when every line matches. */
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

/** What is wrong with a filter, in a sentence; `undefined` when nothing is. */
export function problemOf({ since, until }: LineFilter): string | undefined {
  for (const typed of [since, until]) {
    if (readTimePrefix(typed) === undefined) {
      return `Invalid time “${typed.slice(0, 40)}”. Example, in UTC: 2026-11-22 20:31`;
    }
  }
  return undefined;
}

/** Tells of lines whether they match. */
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
