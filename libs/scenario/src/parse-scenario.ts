/** Reads a scenario, or says of each wrong line what to type instead. */

import { isEndWord, Mistake, quoteCut, readPieces } from "./text.ts";
import {
  durationMsMax,
  lineBytesMax,
  problemsMax,
  scenarioBytesMax,
  scenarioStepsMax,
  timeoutMsDefault,
  valuesMax,
} from "./scenario.ts";
import type { Piece, Scenario, ScenarioProblem, Step } from "./scenario.ts";

type Parsed = { scenario: Scenario } | { problems: ScenarioProblem[] };

const lineEnds: Record<string, string> = { CRLF: "\r\n", LF: "\n", CR: "\r", none: "" };
const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };
const duration = /^(?<count>\d{1,9}(?:\.\d{1,3})?)(?<unit>ms|s|m)$/;
/** As `--target` takes them. */
const targetPattern = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** Longer signs first. */
const signs = /^(?:<<|<\*|<|>>|>\||>)/;
const setting = /^(?<name>[A-Za-z][A-Za-z-]*)(?<colon>[ \t]*:[ \t]*)(?<value>.*)$/;
const wordStep = /^(?<name>connect|within|wait|end|reset|close)(?:(?<space>[ \t]+)(?<value>.*))?$/;
/** What cannot be seen in an editor; a tab can be, more or less. */
const controlCode = /[\0-\u0008\u000a-\u001f\u007f]/;

/** @param text the file, decoded as UTF-8 */
export function parseScenario(text: string): Parsed {
  if (text.length > scenarioBytesMax) {
    const sentence = `the file has ${text.length} characters, over the limit of ${scenarioBytesMax}; cut it into several`;
    return { problems: [{ line: 1, column: 1, sentence }] };
  }
  return new Parser().parse(text);
}

class Parser {
  readonly #steps: Step[] = [];
  readonly #problems: ScenarioProblem[] = [];
  /** Settings, and the lines in which they are. */
  readonly #settings = new Map<string, number>();
  /** Values that are known where the parser is: kept by an expectation, or asked for. */
  readonly #known = new Set<string>();
  readonly #asks: string[] = [];
  #target: string | undefined;
  #eol = "\r\n";
  #timeoutMs = timeoutMsDefault;
  #line = 0;
  /** A `within` that waits for its expectation. */
  #within: { readonly line: number; readonly ms: number } | undefined;
  #connectLine: number | undefined;
  /** Lines after which nothing can be sent, nothing can come, and neither. */
  #sendingEnd: number | undefined;
  #receivingEnd: number | undefined;
  #connectionEnd: number | undefined;
  #hasTooManySteps = false;

  parse(text: string): Parsed {
    for (const line of text.replace(/^\ufeff/, "").split("\n")) {
      this.#line += 1;
      const raw = line.replace(/\r$/, "");
      const source = raw.trimStart();
      this.#try(raw.length - source.length, () => this.#readLine(raw, source));
      if (this.#problems.length === problemsMax || this.#hasTooManySteps) break;
    }
    this.#try(0, () => this.#checkWithin());
    if (this.#steps.length === 0 && this.#connectLine === undefined && this.#problems.length === 0) {
      this.#tell(0, "there is no step; type for example `> PING` to send a line, `< *` to expect one");
    }
    if (this.#problems.length > 0) return { problems: this.#problems.slice(0, problemsMax) };
    const target = this.#target === undefined ? {} : { target: this.#target };
    const rest = { eol: this.#eol, timeoutMs: this.#timeoutMs, steps: this.#steps, asks: this.#asks };
    return { scenario: { ...target, ...rest } };
  }

  #try(indent: number, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.#tell(indent + error.at, error.message);
    }
  }

  #tell(at: number, sentence: string): void {
    this.#problems.push({ line: this.#line, column: at + 1, sentence });
  }

  #readLine(raw: string, source: string): void {
    if (raw.length > lineBytesMax) {
      const sentence = `the line has ${raw.length} characters, over the limit of ${lineBytesMax}; send it in pieces with >|`;
      throw new Mistake(0, sentence);
    }
    const control = controlCode.exec(source);
    if (control !== null) {
      const code = control[0].charCodeAt(0).toString(16).padStart(2, "0");
      const advice = `type it in quotes: \`>> "\\x${code}"\` or \`<< "\\x${code}"\``;
      throw new Mistake(control.index, `the control character 0x${code} cannot be seen; ${advice}`);
    }
    if (source === "" || source.startsWith("#")) return;
    const sign = signs.exec(source)?.[0];
    if (sign !== undefined) return this.#add(this.#readSign(sign, source));
    const {
      name = "",
      space = "",
      colon = space,
      value = "",
    } = (wordStep.exec(source) ?? setting.exec(source))?.groups ?? {};
    const valueAt = name.length + colon.length;
    if (colon.includes(":")) this.#readSetting(name, value.trimEnd(), valueAt);
    else this.#readWord(name, value.trimEnd(), source, valueAt);
  }

  #readSetting(name: string, value: string, valueAt: number): void {
    if (wordStep.test(name)) throw new Mistake(0, `${name} takes no colon; type ${quoteCut(`${name} ${value}`)}`);
    if (!["eol", "timeout", "target"].includes(name)) {
      const advice = "type eol:, timeout: or target:, or `> ` before a line to send";
      throw new Mistake(0, `${quoteCut(name)} is no setting; ${advice}`);
    }
    if (this.#steps.length > 0 || this.#connectLine !== undefined || this.#within !== undefined) {
      throw new Mistake(0, `the setting ${name}: stands after a step; move it above the first step`);
    }
    const before = this.#settings.get(name);
    if (before !== undefined) throw new Mistake(0, `${name}: is set in line ${before} already; keep one of them`);
    this.#settings.set(name, this.#line);
    if (name === "timeout") this.#timeoutMs = readDuration(value, valueAt);
    else if (name === "target") this.#readTarget(value, valueAt);
    else if (Object.hasOwn(lineEnds, value)) this.#eol = lineEnds[value] as string;
    else throw new Mistake(valueAt, `${quoteCut(value)} is no line end; type CRLF, LF, CR or none`);
  }

  #readTarget(value: string, valueAt: number): void {
    if (!targetPattern.test(value)) {
      const form = "up to 32 small letters, digits and hyphens, not a hyphen first";
      throw new Mistake(valueAt, `${quoteCut(value)} is no name of a target; type ${form}, for example mail`);
    }
    if (this.#target !== undefined && this.#target !== value) {
      const line = this.#settings.get("target") ?? this.#line;
      const sentence = `line ${line} names the target ${quoteCut(this.#target)}; keep one of the two names`;
      throw new Mistake(valueAt, sentence);
    }
    this.#target = value;
  }

  #readWord(name: string, value: string, source: string, valueAt: number): void {
    const place = { line: this.#line, source };
    switch (name) {
      case "connect":
        if (this.#connectLine !== undefined || this.#steps.length > 0) {
          throw new Mistake(0, "connect stands after a step; a scenario has one connection, so make it the first");
        }
        this.#connectLine = this.#line;
        return this.#readTarget(value, valueAt);
      case "within":
        this.#checkWithin();
        this.#within = { line: this.#line, ms: readDuration(value, valueAt) };
        return;
      case "wait":
        return this.#add({ kind: "wait", ms: readDuration(value, valueAt), ...place });
      case "end":
      case "reset":
      case "close":
        if (value !== "") throw new Mistake(valueAt, `${name} takes nothing behind it; remove ${quoteCut(value)}`);
        return this.#add({ kind: name, ...place });
      default: {
        const advice = "type `> ` before a line to send, `< ` before one to expect, `#` before a comment";
        throw new Mistake(0, `${quoteCut(source)} is no step; ${advice}`);
      }
    }
  }

  #readSign(sign: string, source: string): Step {
    const within = sign.startsWith("<") ? this.#takeWithin() : {};
    const place = { line: this.#line, source, ...within };
    const behind = source.slice(sign.length);
    if (behind !== "" && !behind.startsWith(" ")) {
      const advice = quoteCut(`${sign} ${behind.trimStart()}`);
      throw new Mistake(sign.length, `there is no space after ${sign}; type ${advice}`);
    }
    // Exactly one space: what follows it belongs to the text.
    const text = behind.slice(1);
    const at = sign.length + 1;
    if (sign === ">" || sign === ">|") {
      const pieces = readPieces(text, "line", at);
      if (sign === ">" && this.#eol !== "") pieces.push({ kind: "text", text: this.#eol });
      if (pieces.length === 0) throw new Mistake(0, `${sign} has nothing to send; type the text behind it`);
      return { kind: "send", pieces: this.#ask(pieces, at), ...place };
    }
    if (sign === ">>" || sign === "<<") {
      const pieces = this.#ask(readQuoted(sign, text, at), at);
      return { kind: sign === ">>" ? "send" : "expect-bytes", pieces, ...place };
    }
    const skips = sign === "<*";
    if (isEndWord(text)) return { kind: "expect-end", how: readEndWord(text.trimEnd(), at), skips, ...place };
    // `\EOF` is the one place where a backslash stands before a letter.
    const isEscaped = text.startsWith("\\") && isEndWord(text.slice(1));
    const pieces = readPieces(isEscaped ? text.slice(1) : text, "pattern", at);
    return { kind: "expect-line", pieces: this.#keep(pieces, at), skips, ...place };
  }

  /** Values that nothing has kept before are asked for. */
  #ask(pieces: readonly Piece[], at: number): readonly Piece[] {
    for (const piece of pieces) {
      if (piece.kind !== "value" || this.#known.has(piece.name)) continue;
      this.#asks.push(piece.name);
      this.#know(piece.name, at);
    }
    return pieces;
  }

  /** The values of a pattern are known behind it. One that is not known before needs text on both sides. */
  #keep(pieces: readonly Piece[], at: number): readonly Piece[] {
    const kept = new Set<string>();
    let openBefore: Piece | undefined;
    for (const piece of pieces) {
      const isOpen = piece.kind === "any" || (piece.kind === "value" && !this.#known.has(piece.name));
      if (isOpen && openBefore !== undefined) {
        const places = `where ${show(openBefore)} ends and ${show(piece)} begins`;
        throw new Mistake(at, `nothing tells ${places}; type text between them, or * alone`);
      }
      openBefore = isOpen ? piece : undefined;
      if (piece.kind !== "value" || !isOpen) continue;
      if (kept.has(piece.name)) {
        throw new Mistake(at, `${show(piece)} is kept twice in this line; give the second one another name`);
      }
      kept.add(piece.name);
    }
    for (const name of kept) this.#know(name, at);
    return pieces;
  }

  #know(name: string, at: number): void {
    this.#known.add(name);
    if (this.#known.size <= valuesMax) return;
    throw new Mistake(at, `{{${name}}} is over the limit of ${valuesMax} values; use fewer names`);
  }

  #takeWithin(): { withinMs?: number } {
    const within = this.#within;
    this.#within = undefined;
    return within === undefined ? {} : { withinMs: within.ms };
  }

  /** A `within` that no expectation has taken is a mistake. */
  #checkWithin(): void {
    const within = this.#within;
    this.#within = undefined;
    if (within === undefined) return;
    throw new Mistake(0, `the within of line ${within.line} has no expectation; move it right above a line with \`<\``);
  }

  #add(step: Step): void {
    this.#checkWithin();
    const { kind } = step;
    const isReset = kind === "expect-end" && step.how === "rst";
    if (this.#connectionEnd !== undefined) {
      throw new Mistake(0, `the connection ends in line ${this.#connectionEnd}; nothing can follow it`);
    }
    if (this.#sendingEnd !== undefined && (kind === "send" || kind === "end")) {
      throw new Mistake(0, `nothing can be sent after the end in line ${this.#sendingEnd}; move this line above it`);
    }
    if (this.#receivingEnd !== undefined && kind.startsWith("expect") && !isReset) {
      throw new Mistake(0, `nothing comes after the EOF of line ${this.#receivingEnd}; move this line above it`);
    }
    if (this.#steps.length === scenarioStepsMax) {
      this.#hasTooManySteps = true;
      throw new Mistake(0, `the file has more than ${scenarioStepsMax} steps, which is the limit; cut it into several`);
    }
    if (kind === "end") this.#sendingEnd = step.line;
    else if (kind === "reset" || kind === "close" || isReset) this.#connectionEnd = step.line;
    else if (kind === "expect-end") this.#receivingEnd = step.line;
    this.#steps.push(step);
  }
}

function readDuration(value: string, at: number): number {
  const { count, unit = "" } = duration.exec(value)?.groups ?? {};
  const ms = Number(count) * (unitMs[unit] ?? NaN);
  if (Number.isNaN(ms) || ms === 0) {
    throw new Mistake(at, `${quoteCut(value)} is no time; type a number above 0 with ms, s or m, for example 100ms`);
  }
  if (ms <= durationMsMax) return ms;
  throw new Mistake(at, `${quoteCut(value)} is over the limit of ${durationMsMax / 60_000}m; type a shorter time`);
}

function readQuoted(sign: string, text: string, at: number): Piece[] {
  const quoted = text.trimEnd();
  // The closing quote has an even number of backslashes before it.
  if (!quoted.startsWith('"') || !/[^\\](?:\\\\)*"$/.test(quoted)) {
    const advice = quoteCut(`${sign} ${quoted.startsWith('"') ? "" : '"'}${quoted}"`);
    throw new Mistake(at, `the bytes after ${sign} stand in quotes; type ${advice}`);
  }
  if (quoted === '""') throw new Mistake(at, "there is nothing between the quotes; type the bytes, or remove the line");
  return readPieces(quoted.slice(1, -1), "quoted", at + 1);
}

function readEndWord(word: string, at: number): "fin" | "rst" {
  if (word === "EOF") return "fin";
  if (word === "RST") return "rst";
  const [typed, name] = word.toUpperCase() === "RST" ? ["RST", "RST"] : ["EOF", "FIN"];
  throw new Mistake(at, `type ${typed} for the target's ${name}, or \\${word} for a line that says ${word}`);
}

function show(piece: Piece): string {
  return piece.kind === "value" ? `{{${piece.name}}}` : "*";
}
