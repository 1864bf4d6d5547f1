/**
 * Cuts a stream of chunks into lines, without their line feeds.
 *
 * A line is kept up to a bound; what a longer one has beyond it is counted in a mark at its end, so that two such lines
 * still compare as different when their lengths differ.
 */

import { decodeText, joinBytes } from "@wirebook/protocol";
import { historyLineBytesKept } from "../limits.ts";

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);

export class LineSplitter {
  readonly #bytesMax: number;
  #held: Uint8Array = nothing;
  #cutBytes = 0;

  constructor(bytesMax: number = historyLineBytesKept) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next chunk and returns the lines that it completed. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      this.#hold(chunk.subarray(from, end));
      lines.push(this.#take());
      from = end + 1;
    }
    this.#hold(chunk.subarray(from));
    // What is held must not keep the whole chunk in memory, nor change with it.
    this.#held = this.#held.slice();
    return lines;
  }

  /** The stream has ended: the line that was not, if there is one. */
  finish(): string[] {
    return this.#held.length > 0 ? [this.#take()] : [];
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
