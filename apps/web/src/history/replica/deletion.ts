import { decodeEntry } from "@wirebook/protocol";

/** What a line of the feed did beside being added: a line was deleted, or all were. */
export interface Deletion {
  /** The time of the outcome that tells of it. */
  readonly time: string;
  readonly user: string;
  /** `undefined` for all lines. */
  readonly position: number | undefined;
  readonly head: string;
}

/** What an outcome says was deleted; `undefined` for any other line. */
export function deletionOf(line: string): Deletion | undefined {
  const entry = decodeEntry(line);
  if (entry.kind !== "outcome") return undefined;
  const { time, user, outcome } = entry;
  switch (outcome.verb) {
    case "deleted-line":
      return { time, user, position: outcome.line, head: outcome.head };
    case "deleted-all":
      return { time, user, position: undefined, head: "" };
    case "created-user":
      return undefined;
  }
}
