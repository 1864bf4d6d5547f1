/**
 * A scenario: one conversation with a target, as text that a person can write. docs/reference/scenarios.md has the format.
 * There are no branches, loops or regular expressions: it says what was said once, and that it can be said again.
 */

import type { StreamEvent } from "@wirebook/protocol";

/** Bytes of a file. Who reads one checks its size first. */
export const scenarioBytesMax = 4 * 1024 * 1024;
export const scenarioStepsMax = 100_000;
/** Characters of a line of a scenario, and bytes of a line from the target. */
export const lineBytesMax = 64 * 1024;
/** Milliseconds of a `wait`, and of the time for an expectation. */
export const durationMsMax = 10 * 60_000;
export const timeoutMsDefault = 5000;
export const nameCharactersMax = 64;
export const valuesMax = 100;
export const valueCharactersMax = 64 * 1024;
/** Problems that are told of one file. */
export const problemsMax = 20;

/** What `eol` may be, and what it stands for. */
export const lineEnds: Readonly<Record<string, string>> = { CRLF: "\r\n", LF: "\n", CR: "\r", none: "" };

/** The value that is a secret: asked for without an echo, and shown nowhere. */
export const secretName = "key";

/** What went over a connection, as the events of a `StreamRecord` tell it; `offset` where events may be missing. */
export type ConversationEvent = Pick<StreamEvent, "kind" | "isFromTarget" | "atMs" | "byteCount"> &
  Partial<Pick<StreamEvent, "offset" | "bytes">>;

/** A part of what is sent or expected: text, a value, or any run of characters. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly name: string }
  | { readonly kind: "any" };

interface Place {
  readonly line: number;
  /** The line as it stands in the file, without blanks at its beginning. */
  readonly source: string;
}

export type Step =
  | (Place & { readonly kind: "send"; readonly pieces: readonly Piece[] })
  | (Place & { readonly kind: "expect-line"; readonly pieces: readonly Piece[]; readonly skips: boolean })
  | (Place & { readonly kind: "expect-bytes"; readonly pieces: readonly Piece[] })
  | (Place & { readonly kind: "expect-end"; readonly how: "fin" | "rst"; readonly skips: boolean })
  | (Place & { readonly kind: "wait"; readonly ms: number })
  | (Place & { readonly kind: "end" })
  | (Place & { readonly kind: "reset" })
  | (Place & { readonly kind: "close" });

export interface Scenario {
  readonly target?: string;
  readonly timeoutMs: number;
  readonly steps: readonly Step[];
  /** The values that must be given before it is played, in the order of their use. */
  readonly asks: readonly string[];
}

/** What is wrong with a line, and what to type instead; lines and columns count from 1, these in UTF-16 units. */
export type ScenarioProblem = Readonly<{ line: number; column: number; sentence: string }>;
