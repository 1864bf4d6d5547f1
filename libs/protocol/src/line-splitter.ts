import { joinBytes } from "./text.ts";

/** A line without its line feed; what it has over the bound is in its length alone. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly length: number;
}

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);

/** Takes bytes apart into lines, however long they are, in bounded memory. */
export class LineSplitter {
  readonly #bytesMax: number;
  #held: Uint8Array = nothing;
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that are whole by now. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      this.#hold(chunk.subarray(from, at));
      lines.push(this.#take());
      from = at + 1;
    }
    this.#hold(chunk.subarray(from));
    return lines;
  }

  /** No more bytes come: the last line may have no end. */
  finish(): Line[] {
    return this.#length > 0 ? [this.#take()] : [];
  }

  #hold(part: Uint8Array): void {
    this.#held = joinBytes(this.#held, part.slice(0, Math.max(0, this.#bytesMax - this.#held.length)));
    this.#length += part.length;
  }

  #take(): Line {
    const line = { bytes: this.#held, length: this.#length };
    this.#held = nothing;
    this.#length = 0;
    return line;
  }
}
