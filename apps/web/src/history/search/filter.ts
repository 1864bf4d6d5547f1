/**
 * What is typed into the filter box: terms, or a place to jump to (`filterHelp`). A line must match everything that is given,
 * and of several users, or several operations, one. A time may be cut short, and then means all that it begins:
 * `until:2026-11-22` takes that day whole. It is meant in the zone in which the page shows times, unless it ends with `Z`.
 */

import { filterCharactersMax } from "../../limits.ts";
import type { Zone } from "../../ui/format.ts";
import { sketchLine } from "../view/line-text.ts";

interface Term {
  /** `""` is text. */
  readonly field: "" | "user" | "op";
  readonly value: string;
  readonly isExcluded: boolean;
}

/** Times are in UTC without their `Z`, to the microsecond, both included; `""` for any. */
export interface Filter {
  readonly terms: readonly Term[];
  readonly since: string;
  readonly until: string;
}

export const anyLine: Filter = { terms: [], since: "", until: "" };

export type Typed =
  | { readonly kind: "filter"; readonly filter: Filter }
  | { readonly kind: "line"; readonly line: number }
  | { readonly kind: "time"; readonly time: string }
  | { readonly kind: "problem"; readonly problem: string };

export const filterHelp: readonly (readonly [example: string, meaning: string])[] = [
  ["user:otter", "lines of a user"],
  ["op:1  op:none", "by the number of the operation"],
  ["since:2026-11-22  until:20:31", "a range of time; Z at the end means UTC"],
  ['word  "two words"', "text anywhere in the line"],
  ["-word  -user:ada", "lines without it"],
  [":50000", "Enter goes to that line"],
  ["@20:31  @2026-11-28 20:31", "Enter goes to the first line from then on"],
];

/** A field is letters and a colon; `http://…` is text. */
const tokenForm = /(?=\S)(-?)(?:([a-z]+):(?!\/\/))?(?:"([^"]*)"?|(\S*))/gi;
const valueCharactersMax = 40;

function tokenize(text: string) {
  return Array.from(text.matchAll(tokenForm), ([raw, sign, field = "", quoted, word = ""]) => {
    return { raw, isExcluded: sign === "-", field: field.toLowerCase(), value: quoted ?? word };
  });
}

export function isAny({ terms, since, until }: Filter): boolean {
  return terms.length === 0 && since === "" && until === "";
}

/** Reads what is typed. A field without its value yet is passed over, since more is being typed. */
export function parseFilter(text: string, zone: Zone, now: Date = new Date()): Typed {
  const typed = text.trim();
  if (/^[:@]./.test(typed)) return parseJump(typed, zone, now);
  const terms: Term[] = [];
  const times = { since: "", until: "" };
  const tokens = tokenize(typed).filter(({ value, raw }) => value !== "" && raw !== ":" && raw !== "@");
  for (const { field, value, isExcluded } of tokens) {
    if (field === "since" || field === "until") {
      const range = readTime(value, zone, now);
      if (range === undefined || isExcluded)
        return problem(`Invalid time “${cut(value)}”. Example: ${field}:2026-11-22 or ${field}:2026-11-22T20:31`);
      times[field] = field === "since" ? range.from : range.to;
    } else if (field === "op" && !/^(?:\d{1,3}|none)$/i.test(value)) {
      return problem(`${field}:${cut(value)} is no operation. Example: op:1 or op:none`);
    } else if (field === "" || field === "user" || field === "op") {
      terms.push({ field, value: value.toLowerCase(), isExcluded });
    } else {
      return problem(
        `“${cut(field)}:” is no field. Fields are user, op, since, until. As text: "${cut(field)}:${cut(value)}"`,
      );
    }
  }
  return { kind: "filter", filter: { terms, ...times } };
}

function parseJump(typed: string, zone: Zone, now: Date): Typed {
  const line = Number(/^:(\d{1,15})$/.exec(typed)?.[1] ?? 0);
  if (line > 0) return { kind: "line", line };
  const range = typed.startsWith("@") ? readTime(typed.slice(1).trim().replace(/\s+/, "T"), zone, now) : undefined;
  if (range !== undefined) return { kind: "time", time: `${range.from}Z` };
  return problem(`Invalid place “${cut(typed)}”. Example: :50000, @20:31 or @2026-11-28 20:31`);
}

function problem(sentence: string): Typed {
  return { kind: "problem", problem: sentence };
}

function cut(value: string): string {
  return value.slice(0, valueCharactersMax);
}

const timeForm = /^(?:(\d{4}-\d\d-\d\d)(?:[T ](?=\d))?)?(?:(?<=^|[T ])(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(Z?)$/i;

/** The first and the last moment of a time as far as it is given; `undefined` when it is none. A clock's time is its latest. */
export function readTime(
  typed: string,
  zone: Zone,
  now: Date = new Date(),
): { readonly from: string; readonly to: string } | undefined {
  const [, day, clock, second, fraction = "", utc] = timeForm.exec(typed.trim()) ?? [];
  if (day === undefined && clock === undefined) return undefined;
  const isUtc = utc !== "" || zone === "utc";
  // Sweden writes dates as ISO 8601 does.
  const stampOf = (at: Date) => at.toLocaleString("sv-SE", isUtc ? { timeZone: "UTC" } : {});
  const today = stampOf(now).slice(0, 10);
  const isLater = `${today} ${clock}:${second ?? "00"}` > stampOf(now);
  const date = day ?? (isLater ? stampOf(new Date(now.getTime() - dayMs)).slice(0, 10) : today);
  const momentOf = (missing: string, digit: string) => {
    const stamp = `${date} ${clock ?? missing.slice(0, 5)}:${second ?? missing.slice(6)}`;
    const at = new Date(stamp.replace(" ", "T") + (isUtc ? "Z" : ""));
    // A 30th of February, or 24:00: JavaScript would count on into the next day.
    return stampOf(at) === stamp ? `${at.toISOString().slice(0, 19)}.${fraction.padEnd(6, digit)}` : undefined;
  };
  const [from, to] = [momentOf("00:00:00", "0"), momentOf("23:59:59", "9")];
  return from === undefined || to === undefined ? undefined : { from, to };
}

const dayMs = 86_400_000;

export function createMatcher({ terms, since, until }: Filter): (line: string) => boolean {
  const texts = terms.filter(({ field }) => field === "");
  const hasRange = since !== "" || until !== "";
  const oneOf = (wanted: "user" | "op") => {
    const own = terms.filter(({ field }) => field === wanted);
    const isOpen = own.every(({ isExcluded }) => isExcluded);
    return (value: string) => {
      const named = own.find((term) => term.value === value);
      return named === undefined ? isOpen : !named.isExcluded;
    };
  };
  const [fitsUser, fitsOperation] = [oneOf("user"), oneOf("op")];
  return (line) => {
    if (texts.length > 0) {
      const lower = line.toLowerCase();
      if (!texts.every(({ value, isExcluded }) => lower.includes(value) !== isExcluded)) return false;
    }
    if (!hasRange && texts.length === terms.length) return true;
    const { time, user, operation } = sketchLine(line);
    // Times sort as text. A line without one has no place in a range.
    const isWithin = !hasRange || (time !== "" && time >= since && (until === "" || time.slice(0, -1) <= until));
    return isWithin && fitsUser(user.toLowerCase()) && fitsOperation(operation);
  };
}

const parameter = "filter";

/** The fragment that holds a filter. Whoever opens it may live in another zone, so its times say that they are in UTC. */
export function encodeFilterLink(text: string, zone: Zone): string {
  const fixed = tokenize(text).map(({ raw, field, value }) => {
    const range = field === "since" || field === "until" ? readTime(value, zone) : undefined;
    if (range === undefined || value.toUpperCase().endsWith("Z")) return raw;
    return `${field}:${(field === "since" ? range.from : range.to).replace(/\.(?:0{6}|9{6})$/, "")}Z`;
  });
  return fixed.length === 0 ? "" : `#${parameter}=${encodeURIComponent(fixed.join(" "))}`;
}

export function decodeFilterLink(fragment: string): string | undefined {
  return new URLSearchParams(fragment.replace(/^#/, "")).get(parameter)?.slice(0, filterCharactersMax);
}
