/** What a row says of a line: who, and what. */

import { decodeEntry, plainText } from "@wirebook/protocol";

/** More would not fit on any screen; the detail shows the whole line. */
const charactersMax = 400;

export interface LineWords {
  readonly kind: "asked" | "outcome" | "foreign";
  readonly time: string;
  readonly address: string;
  readonly user: string;
  readonly rest: string;
}

/** Takes a line apart for a row. */
export function wordsOf(line: string): LineWords {
  const entry = decodeEntry(line);
  if (entry.kind === "foreign") {
    return { kind: "foreign", time: "", address: "", user: "", rest: plainText(entry.text.slice(0, charactersMax)) };
  }
  const { kind, time, address } = entry;
  if (kind === "outcome") {
    const [, , user = "", ...deed] = line.split(" ");
    // The head of the line that was deleted is for the detail.
    const rest = plainText(deed.join(" ").replace(/ \([^ ]*\)$/u, ""));
    return { kind, time, address, user: plainText(user), rest };
  }
  const [, user = "", rest = ""] = /^(\S*)(.*)$/su.exec(entry.message) ?? [];
  return { kind, time, address, user: plainText(user), rest: plainText(rest.slice(0, charactersMax)).trimStart() };
}

/** A line as a sentence, for those who listen. */
export function speakLine(position: number, line: string | undefined): string {
  if (line === undefined) return `Line ${position}, not read yet`;
  const { time, user, rest } = wordsOf(line);
  return [`Line ${position}`, time.slice(11, 19), user, rest].filter((word) => word !== "").join(", ");
}
