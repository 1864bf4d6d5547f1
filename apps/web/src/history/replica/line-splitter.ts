import { decodeText, joinBytes } from "@wirebook/protocol";
import { historyLineCharactersKept } from "../../limits.ts";

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);

/** UTF-8 takes at most three bytes for each unit of a string. */
const bytesPerUnitMax = 3;

/** Cuts a stream of chunks into lines, without their line feeds. A line is kept up to a limit, and its end says so. */
export class LineSplitter {
  readonly #charactersMax: number;
  /** What has come of a line that has not ended. */
  #held: Uint8Array = nothing;

  constructor(charactersMax: number = historyLineCharactersKept) {
    this.#charactersMax = charactersMax;
  }

  /** Takes the next chunk and returns the lines that it completed. */
  push(chunk: Uint8Array): string[] {
    const end = chunk.lastIndexOf(lineFeed);
    const whole = end < 0 ? undefined : joinBytes(this.#held, chunk.subarray(0, end));
    const rest = end < 0 ? joinBytes(this.#held, chunk) : chunk.subarray(end + 1);
    // A copy: what is held must not keep the whole chunk in memory, nor change with it. More is not shown anyway.
    this.#held = rest.slice(0, bytesPerUnitMax * (this.#charactersMax + 1));
    return whole === undefined ? [] : this.#linesOf(whole);
  }

  /** The stream has ended: returns the line that had no end, if there is one. */
  finish(): string[] {
    const held = this.#held;
    this.#held = nothing;
    return held.length > 0 ? this.#linesOf(held) : [];
  }

  #linesOf(bytes: Uint8Array): string[] {
    const max = this.#charactersMax;
    return decodeText(bytes)
      .split("\n")
      .map((line) => (line.length > max ? `${line.slice(0, max)}… (cut)` : line));
  }
}
