/**
 * Plays a scenario: it says what to send, and judges what comes.
 *
 * It has no socket and no clock. A driver owns both, and does this at first, whenever the connection gave something, and
 * when `deadlineMs` has passed:
 *
 *     for (let action; (action = player.advance(now)) !== undefined; ) perform(action);
 *     if (player.verdict !== undefined) closeTheConnection();
 *
 * Times are milliseconds of the driver's monotonic clock.
 */

import { cutText, encodeText, redactKeys } from "@wirebook/protocol";
import { createLineMatcher, expectBytes, expectEnd, expectLine, Received } from "./expectations.ts";
import type { Expectation, Got } from "./expectations.ts";
import { secretName, valueCharactersMax, type Piece, type Scenario, type Step } from "./scenario.ts";
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

export type Action = { readonly kind: "send"; readonly bytes: Uint8Array } | { readonly kind: "end" | "reset" };

export interface StepResult {
  readonly step: Step;
  readonly state: "passed" | "failed";
  /** The direction of the bytes that decided it, `from` up to `to`, counted from the beginning of the connection. */
  readonly isFromTarget: boolean;
  readonly from: number;
  readonly to: number;
  readonly atMs: number;
}

/** The sentence says what was expected and what came instead: escaped, cut, and without the key. */
export type Verdict =
  | { readonly kind: "held" }
  | { readonly kind: "failed" | "timed-out"; readonly line: number; readonly sentence: string }
  | { readonly kind: "broken"; readonly line?: undefined; readonly sentence: string };

export interface PlayerOptions {
  readonly values: ReadonlyMap<string, string>;
  readonly pace: Pace;
  readonly timeoutMs?: number | undefined;
}

type ExpectStep = Extract<Step, { kind: `expect-${string}` }>;

/** A sentence, when a value is missing or too long. */
export function findValuesProblem(scenario: Scenario, values: ReadonlyMap<string, string>): string | undefined {
  const missing = scenario.asks.find((name) => !values.has(name));
  if (missing !== undefined) return `{{${missing}}} has no value; give it one`;
  const [name, { length }] = [...values].find(([, value]) => value.length > valueCharactersMax) ?? ["", ""];
  if (length === 0) return undefined;
  return `the value of {{${name}}} has ${length} characters, over the limit of ${valueCharactersMax}; shorten it`;
}

export class Player {
  readonly results: StepResult[] = [];
  verdict: Verdict | undefined;
  /** When to call `advance` again at the latest; `undefined` when no time runs. */
  deadlineMs: number | undefined;
  readonly #scenario: Scenario;
  readonly #values: Map<string, string>;
  readonly #options: PlayerOptions;
  readonly #hasSecret: boolean;
  readonly #received = new Received();
  readonly #run = this.#play();
  #sentBytes = 0;
  #nowMs = 0;

  constructor(scenario: Scenario, options: PlayerOptions) {
    this.#scenario = scenario;
    this.#values = new Map(options.values);
    this.#options = options;
    this.#hasSecret = scenario.steps.some((step) => "pieces" in step && step.pieces.some(isSecret));
  }

  get next(): Step | undefined {
    return this.#scenario.steps[this.results.length];
  }

  /** Given or kept: for who writes down what went over the connection. */
  get secret(): string | undefined {
    return this.#values.get(secretName);
  }

  /** The next thing to do; `undefined` when bytes or a time are awaited, or all is over. */
  advance(nowMs: number): Action | undefined {
    this.#nowMs = nowMs;
    if (this.verdict !== undefined) return undefined;
    return this.#run.next().value ?? undefined;
  }

  /** The connection gave these bytes, which are the player's to keep. Call `advance` then. */
  received(bytes: Uint8Array, nowMs: number): void {
    if (this.verdict !== undefined) return;
    this.#nowMs = nowMs;
    this.#received.push(bytes);
    const { length } = this.#received;
    if (length <= waitingBytesMax) return;
    this.#fail(length, `more than ${waitingBytesMax} bytes came that no step has read; expect them above this line`);
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

  /** One step after the other; at each yield there is something to do or, without an action, something to wait for. */
  *#play(): Generator<Action | undefined, void, void> {
    /** From when a wait counts: a timer that was late does not delay all that follows. */
    let paceMs = this.#nowMs;
    for (const step of this.#scenario.steps) {
      if (step.kind === "wait") {
        const untilMs = paceMs + (this.#options.pace === "fast" ? 0 : step.ms);
        this.deadlineMs = untilMs;
        while (this.#nowMs < untilMs) yield;
        paceMs = untilMs;
        this.#finish(false, 0);
      } else if (step.kind === "send" || step.kind === "end") {
        const bytes = this.#fill(step.kind === "send" ? step.pieces : []);
        if (bytes === undefined) return;
        if (this.#received.isRst) return this.#fail(0, "the target reset the connection before this step");
        this.#finish(false, bytes.length);
        yield step.kind === "send" ? { kind: "send", bytes } : { kind: "end" };
      } else if (step.kind === "reset" || step.kind === "close") {
        this.#finish(false, 0);
        // After `close` nothing can follow, and the driver closes what has a verdict.
        if (step.kind === "reset") yield { kind: "reset" };
      } else {
        yield* this.#expect(step);
        if (this.verdict !== undefined) return;
        paceMs = this.#nowMs;
      }
    }
    this.#judge({ kind: "held" });
  }

  *#expect(step: ExpectStep): Generator<undefined, void, void> {
    const timeMs = this.#options.timeoutMs ?? this.#scenario.timeoutMs;
    this.deadlineMs = this.#nowMs + timeMs;
    const expectation = this.#prepare(step);
    if (expectation === undefined) return;
    let seen = expectation(this.#received);
    for (; seen.state === "waits" && this.#nowMs < this.deadlineMs; seen = expectation(this.#received)) yield;
    if (seen.state !== "passed") {
      const isLate = seen.state === "waits";
      const sentence = this.#differ(step, seen.got, isLate ? ` within ${formatMs(timeMs)}` : "");
      return this.#fail(seen.byteCount, sentence, isLate ? "timed-out" : "failed");
    }
    for (const [name, value] of seen.kept ?? []) this.#values.set(name, value);
    this.#finish(true, seen.byteCount);
  }

  #prepare(step: ExpectStep): Expectation | undefined {
    if (step.kind === "expect-line") return expectLine(createLineMatcher(step.pieces, this.#values), step.skips);
    if (step.kind === "expect-end") return expectEnd(step.how, step.skips);
    const wanted = this.#fill(step.pieces);
    return wanted && expectBytes(wanted);
  }

  /** The bytes of a step with its values; `undefined` when it has failed, since a long value can stand in it often. */
  #fill(pieces: readonly Piece[]): Uint8Array | undefined {
    let text = "";
    for (const piece of pieces) {
      if (piece.kind === "text") text += piece.text;
      if (piece.kind === "value") text += this.#values.get(piece.name) ?? "";
      if (text.length > stepCharactersMax) {
        const limit = `${stepCharactersMax} characters, which is the limit`;
        this.#fail(0, `with its values the step has more than ${limit}; shorten it`);
        return undefined;
      }
    }
    return encodeText(text);
  }

  #fail(byteCount: number, sentence: string, kind: "failed" | "timed-out" = "failed"): void {
    this.#judge({ kind, line: this.next?.line ?? 0, sentence });
    this.#finish(true, byteCount, "failed");
  }

  /** The step is over; so many bytes of the direction decided it. */
  #finish(isFromTarget: boolean, byteCount: number, state: StepResult["state"] = "passed"): void {
    const from = isFromTarget ? this.#received.offset : this.#sentBytes;
    this.results.push({ step: this.next as Step, state, isFromTarget, from, to: from + byteCount, atMs: this.#nowMs });
    this.deadlineMs = undefined;
    if (isFromTarget) this.#received.skip(byteCount);
    else this.#sentBytes += byteCount;
    if (this.next === undefined) this.#judge({ kind: "held" });
  }

  #judge(verdict: Verdict): void {
    this.verdict ??= verdict;
    this.deadlineMs = undefined;
  }

  #differ(step: ExpectStep, { form, text, behind = "" }: Got, time: string): string {
    // A key that is not known yet is known by its look.
    const masked = this.#mask(this.#hasSecret && form !== "word" ? redactKeys(this.#mask(text)) : text);
    const got = cutText(form === "bytes" ? `"${escapeQuoted(masked)}"` : escapeText(masked), differenceCharactersMax);
    const expected = cutText(this.#describe(step), differenceCharactersMax);
    return `expected \`${expected}\`${time}, got ${form === "word" ? got : `\`${got}\``}${behind}`;
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
    const { secret = "" } = this;
    if (!this.#hasSecret || secret === "") return text;
    const mark = `{{${secretName}}}`;
    const masked = text.replaceAll(secret, mark);
    for (let length = secret.length - 1; length >= secretBeginningMin; length--) {
      if (masked.endsWith(secret.slice(0, length))) return masked.slice(0, -length) + mark;
    }
    return masked;
  }
}

const isSecret = (piece: Piece): boolean => piece.kind === "value" && piece.name === secretName;

function formatMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
