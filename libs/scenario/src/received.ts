/** What the target has sent and no step has read yet. Adding a byte costs the same however many wait. */

import { decodeText } from "@wirebook/protocol";
import { lineBytesMax } from "./scenario.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export interface ReceivedLine {
  /** Without its end. */
  readonly text: string;
  /** With its end. */
  readonly byteCount: number;
}

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

  /** The first line that waits, or what is left at FIN; it still waits afterwards. */
  peekLine(): ReceivedLine | "too-long" | undefined {
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
