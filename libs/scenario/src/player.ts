/**
 * Plays a scenario as a state machine: it says what to send, and judges what comes.
 *
 * It has no socket and no clock. A driver owns both, and does this at first, whenever the connection gave something, and
 * when `deadlineMs` has passed:
 *
 *     for (let action; (action = player.advance(now)) !== undefined; ) perform(action);
 *     if (player.verdict !== undefined) closeTheConnection();
 *
 * Times are milliseconds of the driver's monotonic clock.
 */

import { encodeText, redactKeys } from "@wirebook/protocol";
import { expectBytes, expectEnd, expectLine, Received } from "./expectations.ts";
import type { Expectation, Got } from "./expectations.ts";
import { createLineMatcher } from "./line-matcher.ts";
import { secretName, valueCharactersMax } from "./scenario.ts";
import type { Piece, Scenario, Step } from "./scenario.ts";
import { escapePattern, escapeQuoted, escapeText } from "./text.ts";

/** Received bytes that wait for a step to read them. */
const waitingBytesMax = 1024 * 1024;

/** Characters that one step sends, or expects exactly, with its values. */
const stepCharactersMax = 256 * 1024;

/** Characters of what was expected, and of what came, in a difference. */
const differenceCharactersMax = 200;

/** Characters of the secret from which on its beginning is not shown either. */
const secretBeginningMin = 4;

/** `fast` leaves out every `wait`. */
export type Pace = "recorded" | "fast";

export type Action =
  { readonly kind: "send"; readonly bytes: Uint8Array } | { readonly kind: "end" | "reset" | "close" };

/** What was expected and what came instead: escaped, cut, and without the key. */
export interface Difference {
  readonly expected: string;
  readonly got: string;
  readonly sentence: string;
}

export interface StepResult {
  readonly step: Step;
  readonly state: "passed" | "failed";
  /** The direction of the bytes that decided it, `from` up to `to`, counted from the beginning of the connection. */
  readonly isFromTarget: boolean;
  readonly from: number;
  readonly to: number;
  readonly atMs: number;
  readonly difference?: Difference;
}

export type Verdict =
  | { readonly kind: "held" }
  | { readonly kind: "failed" | "timed-out"; readonly result: StepResult }
  | { readonly kind: "broken"; readonly sentence: string };

export interface PlayerOptions {
  readonly values: ReadonlyMap<string, string>;
  readonly pace: Pace;
  /** Instead of the scenario's own; a `within` still holds. */
  readonly timeoutMs?: number | undefined;
}

type ExpectStep = Extract<Step, { kind: `expect-${string}` }>;

/** What is missing in the values for a scenario, or too long, in a sentence; `undefined` when nothing is. */
export function findValuesProblem(scenario: Scenario, values: ReadonlyMap<string, string>): string | undefined {
  const missing = scenario.asks.find((name) => !values.has(name));
  if (missing !== undefined) return `{{${missing}}} has no value; give it one`;
  for (const [name, { length }] of values) {
    if (length <= valueCharactersMax) continue;
    return `the value of {{${name}}} has ${length} characters, over the limit of ${valueCharactersMax}; shorten it`;
  }
  return undefined;
}

export class Player {
  /** One for each step that was played, in their order. */
  readonly results: StepResult[] = [];
  verdict: Verdict | undefined;
  /** When to call `advance` again at the latest; `undefined` when no time runs. */
  deadlineMs: number | undefined;
  readonly #steps: readonly Step[];
  readonly #values: Map<string, string>;
  readonly #pace: Pace;
  readonly #timeoutMs: number;
  readonly #hasSecret: boolean;
  readonly #received = new Received();
  #sentBytes = 0;
  /** When the step began; `undefined` while it has not. */
  #startedMs: number | undefined;
  /** From when a wait counts: a timer that was late does not delay all that follows. */
  #paceMs: number | undefined;
  #expectation: Expectation | undefined;

  /** @throws RangeError with the sentence of `findValuesProblem` */
  constructor(scenario: Scenario, { values, pace, timeoutMs }: PlayerOptions) {
    const problem = findValuesProblem(scenario, values);
    if (problem !== undefined) throw new RangeError(problem);
    this.#steps = scenario.steps;
    this.#values = new Map(values);
    this.#pace = pace;
    this.#timeoutMs = timeoutMs ?? scenario.timeoutMs;
    this.#hasSecret = scenario.steps.some((step) => "pieces" in step && step.pieces.some(isSecret));
  }

  /** The step that it is at; `undefined` when all were played. */
  get next(): Step | undefined {
    return this.#steps[this.results.length];
  }

  /** The value of the secret, given or kept: for who writes down what went over the connection. */
  get secret(): string | undefined {
    return this.#values.get(secretName);
  }

  /**
   * The next thing to do; `undefined` when bytes or a time are awaited, or all is over.
   *
   * @param resultsMax with how many results it stands still: `results.length + 1` plays one step
   */
  advance(nowMs: number, resultsMax = Infinity): Action | undefined {
    if (this.next === undefined) this.#judge({ kind: "held" });
    while (this.verdict === undefined && this.results.length < resultsMax) {
      this.#startedMs ??= nowMs;
      this.#paceMs ??= nowMs;
      const result = this.#play(this.next as Step, nowMs);
      if (result === "waits") return undefined;
      if (result !== "judged") return result;
    }
    // Who plays single steps takes a time for which no wait is to make up.
    this.#paceMs = undefined;
    return undefined;
  }

  /** The connection gave these bytes. Call `advance` then. */
  received(bytes: Uint8Array, nowMs: number): void {
    if (this.verdict !== undefined) return;
    this.#received.push(bytes);
    const { length } = this.#received;
    if (length <= waitingBytesMax) return;
    this.#fail(nowMs, length, {
      expected: `at most ${waitingBytesMax} bytes`,
      got: `${length} bytes`,
      sentence: `more than ${waitingBytesMax} bytes came that no step has read; expect them above this line`,
    });
  }

  /** The target has sent FIN, or RST has come. Call `advance` then. */
  ended(how: "fin" | "rst"): void {
    if (how === "fin") this.#received.isFin = true;
    else this.#received.isRst = true;
  }

  /** The connection was not established, or is lost for a reason that no expectation is about. */
  failed(sentence: string): void {
    this.#judge({ kind: "broken", sentence });
  }

  #play(step: Step, nowMs: number): Action | "judged" | "waits" {
    switch (step.kind) {
      case "wait":
        return this.#wait(step.ms, nowMs);
      case "reset":
      case "close":
        this.#finish(nowMs, false, 0);
        return { kind: step.kind };
      case "send":
      case "end": {
        const bytes = step.kind === "send" ? this.#fill(step.pieces) : new Uint8Array(0);
        if (bytes === undefined) return this.#failTooLong(nowMs);
        if (this.#received.isRst) {
          const sentence = "the target reset the connection before this step";
          return this.#fail(nowMs, 0, { expected: "an open connection", got: "RST", sentence });
        }
        this.#finish(nowMs, false, bytes.length);
        return step.kind === "send" ? { kind: "send", bytes } : { kind: "end" };
      }
      case "expect-line":
      case "expect-bytes":
      case "expect-end":
        return this.#expect(step, nowMs);
    }
  }

  #wait(ms: number, nowMs: number): "judged" | "waits" {
    const untilMs = (this.#paceMs as number) + (this.#pace === "fast" ? 0 : ms);
    this.deadlineMs = untilMs;
    if (nowMs < untilMs) return "waits";
    this.#paceMs = untilMs;
    this.#finish(nowMs, false, 0);
    return "judged";
  }

  #expect(step: ExpectStep, nowMs: number): "judged" | "waits" {
    const timeMs = step.withinMs ?? this.#timeoutMs;
    this.deadlineMs = (this.#startedMs as number) + timeMs;
    const expectation = (this.#expectation ??= this.#prepare(step));
    if (expectation === undefined) return this.#failTooLong(nowMs);
    const seen = expectation(this.#received);
    if (seen.state === "passed") {
      for (const [name, value] of seen.kept ?? []) this.#values.set(name, value);
      this.#paceMs = nowMs;
      this.#finish(nowMs, true, seen.byteCount);
      return "judged";
    }
    const isLate = seen.state === "waits";
    if (isLate && nowMs < this.deadlineMs) return "waits";
    const difference = this.#differ(step, seen.got, isLate ? ` within ${formatMs(timeMs)}` : "");
    return this.#fail(nowMs, seen.byteCount, difference, isLate ? "timed-out" : "failed");
  }

  /** `undefined` when it expects more than a step may. */
  #prepare(step: ExpectStep): Expectation | undefined {
    if (step.kind === "expect-line") return expectLine(createLineMatcher(step.pieces, this.#values), step.skips);
    if (step.kind === "expect-end") return expectEnd(step.how, step.skips);
    const wanted = this.#fill(step.pieces);
    return wanted && expectBytes(wanted);
  }

  /** `undefined` when it is longer than a step may be: a value can be long and stand in one step often. */
  #fill(pieces: readonly Piece[]): Uint8Array | undefined {
    let left = stepCharactersMax;
    const texts: string[] = [];
    for (const piece of pieces) {
      const text =
        piece.kind === "value" ? (this.#values.get(piece.name) ?? "") : piece.kind === "text" ? piece.text : "";
      left -= text.length;
      if (left < 0) return undefined;
      texts.push(text);
    }
    return encodeText(texts.join(""));
  }

  #fail(atMs: number, byteCount: number, difference: Difference, kind: "failed" | "timed-out" = "failed"): "judged" {
    this.#judge({ kind, result: this.#finish(atMs, true, byteCount, difference) });
    return "judged";
  }

  #failTooLong(atMs: number): "judged" {
    const sentence = `with its values the step has more than ${stepCharactersMax} characters, which is the limit; shorten it`;
    return this.#fail(atMs, 0, { expected: "a shorter step", got: "", sentence });
  }

  /** The step is over; so many bytes of the direction decided it. */
  #finish(atMs: number, isFromTarget: boolean, byteCount: number, difference?: Difference): StepResult {
    const from = isFromTarget ? this.#received.offset : this.#sentBytes;
    const range = { step: this.next as Step, isFromTarget, from, to: from + byteCount, atMs };
    const result: StepResult =
      difference === undefined ? { ...range, state: "passed" } : { ...range, state: "failed", difference };
    this.results.push(result);
    this.#startedMs = undefined;
    this.deadlineMs = undefined;
    this.#expectation = undefined;
    if (difference !== undefined) return result;
    if (isFromTarget) this.#received.skip(byteCount);
    else this.#sentBytes += byteCount;
    if (this.next === undefined) this.#judge({ kind: "held" });
    return result;
  }

  #judge(verdict: Verdict): void {
    this.verdict ??= verdict;
    this.deadlineMs = undefined;
  }

  #differ(step: ExpectStep, { form, text, before = "", behind = "" }: Got, time: string): Difference {
    const expected = cut(this.#describe(step));
    // A key that is not known yet is known by its look.
    const masked = this.#mask(this.#hasSecret && form !== "word" ? redactKeys(this.#mask(text)) : text);
    const got = cut(form === "bytes" ? `"${escapeQuoted(masked)}"` : escapeText(masked));
    const sentence = `expected ${inTicks(expected)}${time}, got ${before}${form === "word" ? got : inTicks(got)}${behind}`;
    return { expected, got: `${got}${behind}`, sentence };
  }

  /** What the step expects, with the values that it would be met with, as one would type it. */
  #describe(step: ExpectStep): string {
    if (step.kind === "expect-end") return step.how === "fin" ? "EOF" : "RST";
    const escape = step.kind === "expect-line" ? (text: string) => escapeText(escapePattern(text)) : escapeQuoted;
    let shown = "";
    for (const piece of step.pieces) {
      const known = piece.kind === "value" && piece.name !== secretName ? this.#values.get(piece.name) : undefined;
      if (piece.kind === "any") shown += "*";
      else if (piece.kind === "text") shown += escape(piece.text);
      else shown += known === undefined ? `{{${piece.name}}}` : escape(this.#mask(known));
      if (shown.length > differenceCharactersMax) break;
    }
    return step.kind === "expect-line" ? shown : `"${shown}"`;
  }

  /** The text without the secret, and without a beginning of it at the end, where more of it is still to come. */
  #mask(text: string): string {
    const secret = this.#values.get(secretName) ?? "";
    if (!this.#hasSecret || secret === "") return text;
    const mark = `{{${secretName}}}`;
    const masked = text.replaceAll(secret, mark);
    for (let length = secret.length - 1; length >= secretBeginningMin; length--) {
      if (masked.endsWith(secret.slice(0, length))) return masked.slice(0, -length) + mark;
    }
    return masked;
  }
}

function isSecret(piece: Piece): boolean {
  return piece.kind === "value" && piece.name === secretName;
}

function cut(text: string): string {
  if (text.length <= differenceCharactersMax) return text;
  return `${text.slice(0, differenceCharactersMax).replace(/[\ud800-\udbff]$/, "")}…`;
}

function inTicks(text: string): string {
  return `\`${text}\``;
}

function formatMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
