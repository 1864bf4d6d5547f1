/** What a line of the history says: in full for rows, and for filters, which look at a million, by a sketch that trusts its form. */

import { decodeEntry, plainText, quoteText } from "@wirebook/protocol";
import { clockTime, type Zone } from "../../ui/format.ts";

const timeLength = 27;
const quote = 0x22;

export function timeOf(line: string): string {
  // `2026-11-22T20:31:05.123456Z `
  const hasTime =
    line.charCodeAt(4) === 0x2d &&
    line.charCodeAt(10) === 0x54 &&
    line.charCodeAt(19) === 0x2e &&
    line.charCodeAt(26) === 0x5a &&
    line.charCodeAt(timeLength) === 0x20;
  return hasTime ? line.slice(0, timeLength) : "";
}

/** True for a line that has the form of a result [H-7] as far as its third word. */
export function isResult(line: string): boolean {
  return timeOf(line) !== "" && line.charCodeAt(line.indexOf(" ", timeLength + 1) + 1) !== quote;
}

const sketchForm = /^\S+ \S+ (?:"(?<asker>[^ "]*)(?: (?<operation>[^ "]*))?|(?<actor>[^ "]+) )/;

/** The fields are empty where a line has none [H-9]; the operation is its number, `none`, or `?` for words that are none. */
export function sketchLine(line: string) {
  const time = timeOf(line);
  const groups = time === "" ? undefined : sketchForm.exec(line)?.groups;
  if (groups === undefined) return { time, user: "", operation: "" };
  const { asker, operation = "none", actor = "" } = groups;
  if (asker === undefined) return { time, user: actor, operation: "" };
  return { time, user: asker, operation: /^(?:\d{1,3}|none)$/.test(operation) ? operation : "?" };
}

/** More would not fit on any screen; the detail shows the whole line. */
const charactersMax = 400;

export function partsOf(line: string) {
  const entry = decodeEntry(line);
  const { kind } = entry;
  if (kind === "external") return { kind, time: "", user: "", rest: plainText(entry.text.slice(0, charactersMax)) };
  const { time } = entry;
  if (kind === "result") {
    // The timestamp of the line that was deleted is for the detail.
    const [, rest = ""] = /^(?:\S* ){3}(.*?)(?: \(\S*\))?$/su.exec(line) ?? [];
    return { kind, time, user: plainText(entry.user), rest: plainText(rest) };
  }
  // Spaces alone, or nothing, would leave the row empty.
  if (entry.message.trim() === "") return { kind, time, user: "", rest: quoteText(entry.message) };
  const [, user = "", rest = ""] = /^(\S*)(.*)$/su.exec(entry.message) ?? [];
  return { kind, time, user: plainText(user), rest: plainText(rest.slice(0, charactersMax)).trimStart() };
}

/** The clock's time of a line to the millisecond, `20:31:05.123`; `""` for none. */
export function clockOf(time: string, zone: Zone): string {
  return zone === "utc" || time === "" ? time.slice(11, 23) : clockTime(new Date(time), zone, 3);
}

let knownMinute = "";
let knownDay = "";

/** What the days of two lines are told apart by; `""` for a line without a time. Neighbours mostly share a minute. */
export function dayKeyOf(time: string, zone: Zone): string {
  if (zone === "utc" || time === "") return time.slice(0, 10);
  const minute = time.slice(0, 16);
  if (minute !== knownMinute) [knownMinute, knownDay] = [minute, new Date(`${minute}Z`).toDateString()];
  return knownDay;
}

const backgroundForm = /^\S+ \S+ "[^\s"]+ (?:5|2 -?\d+ -?\d+ snapshot)"$/;

/** True for what pages ask for by themselves: to follow, and to read a version. One that is typed is taken for it too. */
export function isBackground(line: string): boolean {
  // Most lines have another end, and to see that costs a tenth of the pattern.
  return (line.endsWith(' 5"') || line.endsWith(' snapshot"')) && backgroundForm.test(line);
}
