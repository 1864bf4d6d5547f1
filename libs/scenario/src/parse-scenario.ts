/** Reads a scenario, or says of each wrong line what to type instead. */

import {
  durationMsMax,
  lineBytesMax,
  lineEnds,
  problemsMax,
  scenarioBytesMax,
  scenarioStepsMax,
  timeoutMsDefault,
  valuesMax,
} from "./scenario.ts";
import type { Piece, Scenario, ScenarioProblem, Step } from "./scenario.ts";
import { isEndWord, Mistake, quoteCut, readPieces } from "./text.ts";

type Parsed = { scenario: Scenario } | { problems: ScenarioProblem[] };

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** What a line may be; the longer ones of the signs stand first. */
const statement =
  /^(?:(?<sign><<|<\*|<|>>|>\||>)|(?<word>connect|wait)(?:[ \t]+|$)|(?<last>end|reset|close)[ \t]*$|(?<setting>[A-Za-z][A-Za-z-]*)[ \t]*:[ \t]*)/;
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
  readonly #settings = new Map<string, { readonly value: string; readonly line: number }>();
  /** Values that are known where the parser is: kept by an expectation, or asked for. */
  readonly #known = new Set<string>();
  readonly #asks: string[] = [];
  #eol = "\r\n";
  #timeoutMs = timeoutMsDefault;
  #line = 0;
  /** The lines after which nothing can be sent, nothing can come, and neither. */
  readonly #ends: { sending?: number; receiving?: number; all?: number } = {};

  parse(text: string): Parsed {
    for (const line of text.replace(/^\ufeff/, "").split("\n")) {
      this.#line += 1;
      const raw = line.replace(/\r$/, "");
      const source = raw.trimStart();
      this.#try(raw.length - source.length, () => this.#readLine(raw, source));
      if (this.#problems.length === problemsMax || this.#steps.length > scenarioStepsMax) break;
    }
    const target = this.#settings.get("target")?.value;
    if (this.#steps.length === 0 && target === undefined && this.#problems.length === 0) {
      this.#tell(0, "there is no step; type for example `> PING` to send a line, `< *` to expect one");
    }
    if (this.#problems.length > 0) return { problems: this.#problems.slice(0, problemsMax) };
    const scenario = { timeoutMs: this.#timeoutMs, steps: this.#steps, asks: this.#asks };
    return { scenario: target === undefined ? scenario : { target, ...scenario } };
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
      const advice = "send it in pieces with >|";
      throw new Mistake(0, `the line has ${raw.length} characters, over the limit of ${lineBytesMax}; ${advice}`);
    }
    const control = controlCode.exec(source);
    if (control !== null) {
      const code = control[0].charCodeAt(0).toString(16).padStart(2, "0");
      const advice = `type it in quotes: \`>> "\\x${code}"\` or \`<< "\\x${code}"\``;
      throw new Mistake(control.index, `the control character 0x${code} cannot be seen; ${advice}`);
    }
    if (source === "" || source.startsWith("#")) return;
    const found = statement.exec(source);
    const { sign, word, last, setting } = found?.groups ?? {};
    const begin = found?.[0] ?? "";
    const value = source.slice(begin.length).trimEnd();
    if (sign !== undefined) return this.#add(this.#readSign(sign, source));
    if (last !== undefined) return this.#add({ kind: last, line: this.#line, source } as Step);
    if (setting !== undefined) return this.#set(setting, value, begin.length);
    if (word === "connect") return this.#set("target", value, begin.length);
    if (word === "wait") return this.#add({ kind: word, ms: readTime(value, begin.length), line: this.#line, source });
    const advice = "type `> ` before a line to send, `< ` before one to expect, `#` before a comment";
    throw new Mistake(0, `${quoteCut(source)} is no step; ${advice}`);
  }

  #set(name: string, value: string, at: number): void {
    if (!["eol", "timeout", "target"].includes(name)) {
      const advice = "type eol:, timeout: or target:, or `> ` before a line to send";
      throw new Mistake(0, `${quoteCut(name)} is no setting; ${advice}`);
    }
    if (this.#steps.length > 0) {
      throw new Mistake(0, `the ${name} stands after a step; move it above the first step`);
    }
    const before = this.#settings.get(name);
    if (before !== undefined && before.value !== value) {
      throw new Mistake(at, `the ${name} is ${quoteCut(before.value)} in line ${before.line}; keep one of the two`);
    }
    if (name === "timeout") this.#timeoutMs = readTime(value, at);
    if (name === "eol" && !Object.hasOwn(lineEnds, value)) {
      throw new Mistake(at, `${quoteCut(value)} is no line end; type CRLF, LF, CR or none`);
    }
    if (name === "eol") this.#eol = lineEnds[value] as string;
    // As `--target` takes them.
    if (name === "target" && !/^[a-z0-9][a-z0-9-]{0,31}$/.test(value)) {
      const form = "up to 32 small letters, digits and hyphens, not a hyphen first";
      throw new Mistake(at, `${quoteCut(value)} is no name of a target; type ${form}, for example mail`);
    }
    this.#settings.set(name, { value, line: this.#line });
  }

  #readSign(sign: string, source: string): Step {
    const place = { line: this.#line, source };
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
      const quoted = /^"((?:[^\\]|\\.)+)"$/u.exec(text.trimEnd())?.[1];
      const advice = `type for example \`${sign} "\\x00 and text"\``;
      if (quoted === undefined) throw new Mistake(at, `the bytes after ${sign} stand in quotes; ${advice}`);
      const pieces = this.#ask(readPieces(quoted, "quoted", at + 1), at);
      return { kind: sign === ">>" ? "send" : "expect-bytes", pieces, ...place };
    }
    const skips = sign === "<*";
    if (isEndWord(text)) {
      const word = text.trimEnd();
      if (word === "EOF" || word === "RST") {
        return { kind: "expect-end", how: word === "EOF" ? "fin" : "rst", skips, ...place };
      }
      const advice = `type EOF for the target's FIN, RST for its reset, \\${word} for a line that says ${word}`;
      throw new Mistake(at, `${quoteCut(word)} is no end; ${advice}`);
    }
    // `\EOF` is the one place where a backslash stands before a letter.
    const isEscaped = text.startsWith("\\") && isEndWord(text.slice(1));
    const pieces = readPieces(isEscaped ? text.slice(1) : text, "pattern", at);
    return { kind: "expect-line", pieces: this.#keep(pieces, at), skips, ...place };
  }

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

  #add(step: Step): void {
    const { kind, line } = step;
    const isReset = kind === "reset" || kind === "close" || (kind === "expect-end" && step.how === "rst");
    const way = kind === "send" || kind === "end" ? "sending" : kind.startsWith("expect") ? "receiving" : "all";
    const end = this.#ends.all ?? (isReset ? undefined : this.#ends[way]);
    if (end !== undefined) throw new Mistake(0, `line ${end} ends this direction; move this line above it`);
    if (this.#steps.length === scenarioStepsMax) {
      this.#tell(0, `the file has more than ${scenarioStepsMax} steps, which is the limit; cut it into several`);
    }
    if (isReset) this.#ends.all = line;
    else if (kind === "end") this.#ends.sending = line;
    else if (kind === "expect-end") this.#ends.receiving = line;
    this.#steps.push(step);
  }
}

function readTime(value: string, at: number): number {
  const [, count, unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(value) ?? [];
  const ms = Number(count) * (unitMs[unit] ?? NaN);
  if (ms > 0 && ms <= durationMsMax) return ms;
  const limit = `${durationMsMax / 60_000}m`;
  throw new Mistake(at, `${quoteCut(value)} is no time; type a number with ms, s or m, from 1ms to ${limit}`);
}

function show(piece: Piece): string {
  return piece.kind === "value" ? `{{${piece.name}}}` : "*";
}
