/** What was received, and what the three kinds of expectations say of it. Each is asked again when more bytes have come. */

import { decodeText, joinAll } from "@wirebook/protocol";
import { lineBytesMax, type Piece } from "./scenario.ts";

/** Reads that wait apart from each other: each costs more than its bytes. */
const readsMax = 1000;

/** What the target has sent and no step has read yet. */
export class Received {
  isFin = false;
  isRst = false;
  /** Bytes that were read before those that wait. */
  offset = 0;
  length = 0;
  #reads: Uint8Array[] = [];

  get waiting(): Uint8Array {
    if (this.#reads.length !== 1) this.#reads = [joinAll(this.#reads)];
    return this.#reads[0] as Uint8Array;
  }

  get ended(): "EOF" | "RST" | undefined {
    if (this.isRst) return "RST";
    return this.isFin ? "EOF" : undefined;
  }

  push(bytes: Uint8Array): void {
    this.#reads.push(bytes);
    this.length += bytes.length;
    if (this.#reads.length > readsMax) this.#reads = [this.waiting];
  }

  skip(byteCount: number): void {
    this.#reads = [this.waiting.subarray(byteCount)];
    this.length -= byteCount;
    this.offset += byteCount;
  }
}

export type Kept = ReadonlyMap<string, string>;

/** What came instead: a line, bytes, or a word of ours such as `EOF`; and what is said behind it. */
export interface Got {
  readonly form: "line" | "bytes" | "word";
  readonly text: string;
  readonly behind?: string;
}

/** `byteCount`: how many of the waiting bytes decided it. `got` of one that waits: what fails it if its time is over. */
type Seen =
  | { readonly state: "passed"; readonly byteCount: number; readonly kept?: Kept }
  | { readonly state: "failed" | "waits"; readonly byteCount: number; readonly got: Got };

export type Expectation = (received: Received) => Seen;

const shownBytesMax = 1024;

/** A line ends with LF, before which CR belongs to the end; the last one before FIN may have none. */
export function expectLine(matcher: LineMatcher, skips: boolean): Expectation {
  let skipped: string | undefined;
  return (received) => {
    for (;;) {
      const { waiting, isFin, length } = received;
      const end = waiting.indexOf(0x0a);
      if ((end < 0 ? length : end) > lineBytesMax) {
        const got: Got = { form: "word", text: `a line of more than ${lineBytesMax} bytes` };
        return { state: "failed", byteCount: length, got };
      }
      if (end < 0 && (!isFin || length === 0)) return giveUpOrWait(received, "line", skipped);
      const text = decodeText(waiting.subarray(0, end < 0 ? length : end - (waiting[end - 1] === 0x0d ? 1 : 0)));
      const byteCount = end < 0 ? length : end + 1;
      const kept = matcher(text);
      if (kept !== undefined) return { state: "passed", byteCount, kept };
      if (!skips) return { state: "failed", byteCount, got: { form: "line", text } };
      skipped = text;
      received.skip(byteCount);
    }
  };
}

export function expectBytes(wanted: Uint8Array): Expectation {
  let matched = 0;
  return (received) => {
    const { waiting } = received;
    for (; matched < wanted.length && matched < waiting.length; matched++) {
      if (waiting[matched] === wanted[matched]) continue;
      const byteCount = matched + 1;
      const text = decodeText(waiting.subarray(0, wanted.length));
      return { state: "failed", byteCount, got: { form: "bytes", text, behind: `; byte ${byteCount} differs` } };
    }
    return matched === wanted.length ? { state: "passed", byteCount: matched } : giveUpOrWait(received, "bytes");
  };
}

export function expectEnd(how: "fin" | "rst", skips: boolean): Expectation {
  return (received) => {
    if (skips) received.skip(received.length);
    const { length: byteCount, ended, isFin, isRst } = received;
    if (byteCount > 0) {
      const [text = ""] = decodeText(received.waiting.subarray(0, shownBytesMax)).split(/\r?\n/, 1);
      return { state: "failed", byteCount, got: { form: "line", text } };
    }
    if (how === "fin" ? isFin : isRst) return { state: "passed", byteCount };
    // RST may follow FIN, when this end goes on sending.
    return { state: isRst ? "failed" : "waits", byteCount, got: { form: "word", text: ended ?? "nothing" } };
  };
}

/** There is not enough yet, and there will not be if the target has ended. */
function giveUpOrWait(received: Received, form: "line" | "bytes", skipped?: string): Seen {
  const { length: byteCount, ended, waiting } = received;
  const state = ended === undefined ? "waits" : "failed";
  const text = byteCount > 0 ? decodeText(waiting.subarray(0, shownBytesMax)) : skipped;
  if (text === undefined) return { state, byteCount, got: { form: "word", text: ended ?? "nothing" } };
  const advice = form === "line" && byteCount > 0 ? ' without a line end; type << "…" for text without one' : "";
  return { state, byteCount, got: { form, text, behind: ended === undefined ? advice : ` and then ${ended}` } };
}

/** What a line gives for the values that are kept, the shortest runs that fit; `undefined` when it does not fit. */
type LineMatcher = (line: string) => Kept | undefined;

/**
 * Whether a line fits a pattern, in time that is linear in both. Values that are not known are kept.
 *
 * The pattern is literals with open places between them. The first stands at the beginning of the line, the last at its
 * end, each other one where it is found first: that leaves the most to those behind it, so no choice is taken back.
 */
export function createLineMatcher(pieces: readonly Piece[], values: Kept): LineMatcher {
  let first = "";
  /** Each open place, with the name of the value that it keeps, and the literal behind it. */
  const places: { readonly name: string | undefined; literal: string }[] = [];
  let lengthMin = 0;
  for (const piece of pieces) {
    const name = piece.kind === "value" ? piece.name : undefined;
    const text = piece.kind === "text" ? piece.text : name && values.get(name);
    lengthMin += text?.length ?? 0;
    // No line is that long, and a long value is not repeated often for nothing.
    if (lengthMin > lineBytesMax) return () => undefined;
    const place = places.at(-1);
    if (text === undefined) places.push({ name, literal: "" });
    else if (place === undefined) first += text;
    else place.literal += text;
  }
  const last = places.pop();
  if (last === undefined) return (line) => (line === first ? new Map() : undefined);
  const finds = places.map(({ name, literal }) => ({ name, find: createFind(literal), length: literal.length }));
  return (line) => {
    // Without the length, many short lines and one long pattern would take long.
    if (line.length < lengthMin || !line.startsWith(first) || !line.endsWith(last.literal)) return undefined;
    const kept = new Map<string, string>();
    let from = first.length;
    for (const { name, find, length } of finds) {
      const found = find(line, from);
      if (found < 0) return undefined;
      if (name !== undefined) kept.set(name, line.slice(from, found));
      from = found + length;
    }
    const end = line.length - last.literal.length;
    if (last.name !== undefined) kept.set(last.name, line.slice(from, end));
    return from > end ? undefined : kept;
  };
}

/** The algorithm of Knuth, Morris and Pratt: `indexOf` takes a second for some 32 KiB in 64 KiB. */
function createFind(text: string): (line: string, from: number) => number {
  /** For each beginning of the text: how long the longest shorter beginning is with which it ends too. */
  const borders = [0];
  /** How much of the text is matched after one more unit. */
  const extend = (matched: number, unit: number): number => {
    let length = matched;
    while (length > 0 && text.charCodeAt(length) !== unit) length = borders[length - 1] as number;
    return text.charCodeAt(length) === unit ? length + 1 : 0;
  };
  for (let at = 1, matched = 0; at < text.length; at++) borders.push((matched = extend(matched, text.charCodeAt(at))));
  return (line, from) => {
    if (text === "") return from;
    for (let at = from, matched = 0; at < line.length; at++) {
      matched = extend(matched, line.charCodeAt(at));
      if (matched === text.length) return at + 1 - text.length;
    }
    return -1;
  };
}
