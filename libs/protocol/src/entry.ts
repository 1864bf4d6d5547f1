/**
 * A line of the history [H-1]…[H-9], without its line feed.
 *
 *     2026-11-22T20:31:05.123456Z 127.0.0.1 "brick 1 3"                                            request
 *     2026-11-22T20:31:05.124010Z 127.0.0.1 brick deleted line 3 (2026-11-22T20:30:00.000001Z)     result
 *
 * A request is always a JSON string and a result never is, so no client can forge a result by typing one. Any other line
 * (the reference implementation's, one written by hand) is external: it is kept and shown as it is.
 */

import { headCharactersMax } from "./limits.ts";
import { plainText, quoteText } from "./text.ts";

export type EntryResult =
  | { readonly verb: "deleted-line"; readonly line: number; readonly head: string }
  | { readonly verb: "deleted-all" }
  | { readonly verb: "created-user"; readonly name: string }
  /** The first lines went into another file, named as it was then, without its folder. */
  | { readonly verb: "archived"; readonly lines: number; readonly file: string };

export type Entry =
  /** The message, as `decodeText` has it; cut when it was longer than what is kept of a refused one [H-6]. */
  | ({ readonly kind: "request"; readonly message: string; readonly isCut: boolean } & Stamp)
  | ({ readonly kind: "result"; readonly user: string; readonly result: EntryResult } & Stamp)
  | { readonly kind: "external"; readonly text: string };

type Stamp = Readonly<Record<"time" | "address", string>>;

const cutMark = " (cut)";

const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const stamped = /^(?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?<address>[^ ]+) (?<rest>.+)$/u;

/** What stands behind the address and the user in the line of a result, and what it means. */
const resultForms: readonly (readonly [RegExp, (...groups: string[]) => EntryResult])[] = [
  [/^deleted line (\d{1,15}) \(([^ ]*)\)$/u, (line, head = "") => ({ verb: "deleted-line", line: Number(line), head })],
  [/^deleted all$/u, () => ({ verb: "deleted-all" })],
  [/^created user ([^ "]+)$/u, (name = "") => ({ verb: "created-user", name })],
  [
    /^archived lines 1-(\d{1,15}) in ([^ ]+)$/u,
    (lines, file = "") => ({ verb: "archived", lines: Number(lines), file }),
  ],
];

/** Microseconds since 1970 as `2026-11-22T20:31:05.123456Z` [H-2]. */
export function encodeTime(microseconds: number): string {
  const second = Math.floor(microseconds / 1_000_000);
  if (second !== encodedSecond) {
    encodedSecond = second;
    secondText = new Date(second * 1000).toISOString().slice(0, "2026-11-22T20:31:05.".length);
  }
  return `${secondText}${String(microseconds - second * 1_000_000).padStart(6, "0")}Z`;
}

/** Most times are in the second of the one before, and a date takes longer than all else of a line. */
let encodedSecond: number | undefined;
let secondText = "";

/** The inverse of `encodeTime`; `undefined` when the text is no such time. */
export function decodeTime(text: string): number | undefined {
  if (!timeForm.test(text)) return undefined;
  const milliseconds = Date.parse(`${text.slice(0, 23)}Z`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds * 1000 + Number(text.slice(23, 26));
}

export function encodeRequestEntry(time: string, address: string, message: string, isCut: boolean): string {
  return `${time} ${address} ${quoteText(message)}${isCut ? cutMark : ""}`;
}

export function encodeResultEntry(time: string, address: string, user: string, result: EntryResult): string {
  return `${time} ${address} ${user} ${describe(result)}`;
}

function describe(result: EntryResult): string {
  switch (result.verb) {
    case "deleted-line":
      return `deleted line ${result.line} (${result.head})`;
    case "deleted-all":
      return "deleted all";
    case "created-user":
      return `created user ${result.name}`;
    case "archived":
      // Another program chooses the name of a file that it moves.
      return `archived lines 1-${result.lines} in ${plainText(result.file).replaceAll(" ", "\\u0020")}`;
  }
}

/** The first word of a line: its time, which is its identity, where it has one [H-7]. */
export function timestampOf(line: string): string {
  const [word = ""] = line.split(/\s/u, 1);
  return plainText([...word].slice(0, headCharactersMax).join(""));
}

/** Reads a line; any line not of the form above is external. Never throws. */
export function decodeEntry(line: string): Entry {
  const { time = "", address = "", rest = "" } = stamped.exec(line)?.groups ?? {};
  const isCut = rest.endsWith(`"${cutMark}`);
  const message = unquote(isCut ? rest.slice(0, -cutMark.length) : rest);
  if (message !== undefined) return { kind: "request", time, address, message, isCut };
  const [, user = "", what = ""] = /^([^ "]+) (.+)$/u.exec(rest) ?? [];
  for (const [form, decode] of resultForms) {
    const found = form.exec(what);
    if (found !== null) return { kind: "result", time, address, user, result: decode(...found.slice(1)) };
  }
  return { kind: "external", text: line };
}

/** The text of a JSON string, unless there is white space around it, which JSON would allow and no line of ours has. */
function unquote(quoted: string): string | undefined {
  if (!/^".*"$/su.test(quoted)) return undefined;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
