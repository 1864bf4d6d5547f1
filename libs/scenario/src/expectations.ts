/** What was received, and what the three kinds of expectations say of it. Each is asked again when more bytes have come. */

import { decodeText } from "@wirebook/protocol";
import type { Kept, LineMatcher } from "./line-matcher.ts";
import { lineBytesMax } from "./scenario.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** What the target has sent and no step has read yet. Adding a byte costs the same however many wait. */
export class Received {
  isFin = false;
  isRst = false;
  /** Bytes that were read before those that wait. */
  offset = 0;
  #bytes = new Uint8Array(4096);
  #start = 0;
  #end = 0;
  /** Bytes among those that wait in which there is no line feed. */
  #lookedAt = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Valid until the next `push`. */
  get waiting(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** How the target has ended the connection, in the words of a scenario. */
  get ended(): "EOF" | "RST" | undefined {
    if (this.isRst) return "RST";
    return this.isFin ? "EOF" : undefined;
  }

  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) {
      const needed = this.length + bytes.length;
      const roomy = needed * 2 > this.#bytes.length ? new Uint8Array(needed * 2) : this.#bytes;
      roomy.set(this.waiting);
      [this.#bytes, this.#start, this.#end] = [roomy, 0, this.length];
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  skip(byteCount: number): void {
    this.#start += byteCount;
    this.offset += byteCount;
    this.#lookedAt = 0;
  }

  /** The first line that waits, without its end, or what is left at FIN; it still waits afterwards. */
  peekLine(): { readonly text: string; readonly byteCount: number } | "too-long" | undefined {
    const { waiting } = this;
    const end = waiting.indexOf(lineFeed, this.#lookedAt);
    this.#lookedAt = end < 0 ? waiting.length : end;
    if (this.#lookedAt > lineBytesMax) return "too-long";
    if (end >= 0) {
      const textEnd = end > 0 && waiting[end - 1] === carriageReturn ? end - 1 : end;
      return { text: decodeText(waiting.subarray(0, textEnd)), byteCount: end + 1 };
    }
    if (!this.isFin || waiting.length === 0) return undefined;
    return { text: decodeText(waiting), byteCount: waiting.length };
  }
}

/** What came instead: a line, bytes, or a word of ours such as `EOF`; and what came before and behind it. */
export interface Got {
  readonly form: "line" | "bytes" | "word";
  readonly text: string;
  readonly before?: string;
  readonly behind?: string;
}

/** `byteCount`: how many of the waiting bytes decided it. `got` of one that waits: what fails it if its time is over. */
type Seen =
  | { readonly state: "passed"; readonly byteCount: number; readonly kept?: Kept }
  | { readonly state: "failed" | "waits"; readonly byteCount: number; readonly got: Got };

export type Expectation = (received: Received) => Seen;

/** Bytes of which a difference shows the beginning. */
const shownBytesMax = 1024;

export function expectLine(matcher: LineMatcher, skips: boolean): Expectation {
  let lastSkipped: string | undefined;
  let skipped = 0;
  return (received) => {
    for (;;) {
      const line = received.peekLine();
      if (line === "too-long") {
        const got: Got = { form: "word", text: `a line of more than ${lineBytesMax} bytes` };
        return { state: "failed", byteCount: received.length, got };
      }
      if (line === undefined) return giveUpOrWait(received, "line", lastSkipped, skipped);
      const { text, byteCount } = line;
      const kept = matcher(text);
      if (kept !== undefined) return { state: "passed", byteCount, kept };
      if (!skips) return { state: "failed", byteCount, got: { form: "line", text } };
      lastSkipped = text;
      skipped += 1;
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
      const got: Got = { form: "bytes", text: decodeText(waiting.subarray(0, wanted.length)) };
      return { state: "failed", byteCount, got: { ...got, behind: `; byte ${byteCount} differs` } };
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
function giveUpOrWait(received: Received, form: "line" | "bytes", lastSkipped?: string, skipped = 0): Seen {
  const { length: byteCount, ended, waiting } = received;
  const state = ended === undefined ? "waits" : "failed";
  const text = byteCount > 0 ? decodeText(waiting.subarray(0, shownBytesMax)) : lastSkipped;
  if (text === undefined) return { state, byteCount, got: { form: "word", text: ended ?? "nothing" } };
  const isCut = form === "line" && byteCount > 0;
  const behind =
    ended === undefined ? (isCut ? ' without a line end; type << "…" for text without one' : "") : ` and then ${ended}`;
  const before = skipped > 1 && byteCount === 0 ? `${skipped} other lines, the last ` : "";
  return { state, byteCount, got: { form, text, before, behind } };
}
