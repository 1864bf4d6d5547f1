/**
 * Cuts a stream of chunks into lines, without their line feeds.
 *
 * A line is kept up to a bound; what a longer one has beyond it is counted in a mark at its end, so that two such lines
 * still compare as different when their lengths differ.
 */

import { decodeText, joinBytes } from "@wirebook/protocol";
import { historyLineBytesKept } from "../../limits.ts";

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);

/** UTF-8 takes at most three bytes for each unit of a string. */
const bytesPerUnitMax = 3;

export class LineSplitter {
  readonly #bytesMax: number;
  #held: Uint8Array = nothing;
  #cutBytes = 0;

  constructor(bytesMax: number = historyLineBytesKept) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next chunk and returns the lines that it completed. */
  push(chunk: Uint8Array): string[] {
    const firstEnd = chunk.indexOf(lineFeed);
    const lastEnd = chunk.lastIndexOf(lineFeed);
    this.#hold(firstEnd < 0 ? chunk : chunk.subarray(0, firstEnd));
    const lines = firstEnd < 0 ? [] : [this.#take()];
    if (lastEnd > firstEnd) for (const line of this.#takeWhole(chunk.subarray(firstEnd + 1, lastEnd))) lines.push(line);
    if (firstEnd >= 0) this.#hold(chunk.subarray(lastEnd + 1));
    // What is held must not keep the whole chunk in memory, nor change with it.
    this.#held = this.#held.slice();
    return lines;
  }

  /** The stream has ended: the line that was not, if there is one. */
  finish(): string[] {
    return this.#held.length > 0 ? [this.#take()] : [];
  }

  /** Whole lines are decoded at once, many times as fast, unless one of them may be too long. */
  #takeWhole(block: Uint8Array): string[] {
    const lines = decodeText(block).split("\n");
    if (lines.every(({ length }) => length * bytesPerUnitMax <= this.#bytesMax)) return lines;
    const cut: string[] = [];
    for (let from = 0; from <= block.length;) {
      const end = block.indexOf(lineFeed, from);
      this.#hold(block.subarray(from, end < 0 ? block.length : end));
      cut.push(this.#take());
      from = end < 0 ? block.length + 1 : end + 1;
    }
    return cut;
  }

  #hold(part: Uint8Array): void {
    const fitting = part.subarray(0, this.#bytesMax - this.#held.length);
    this.#held = joinBytes(this.#held, fitting);
    this.#cutBytes += part.length - fitting.length;
  }

  #take(): string {
    const text = decodeText(this.#held);
    const line = this.#cutBytes > 0 ? `${text}… (and ${this.#cutBytes} bytes more)` : text;
    this.#held = nothing;
    this.#cutBytes = 0;
    return line;
  }
}
