import { decodeEntry } from "@wirebook/protocol";
import type { Entry } from "@wirebook/protocol";
import { followedLineCharactersMax } from "../limits.ts";

/** A line of a followed history. */
export interface FollowedLine {
  readonly text: string;
  readonly entry: Entry;
  /** Set when the line was longer than what is held of it. */
  readonly isCut?: true;
}

/** Joins the text of a follow into lines, of which it holds one, up to a bound. */
export class FollowedLines {
  readonly #onLine: (line: FollowedLine) => void;
  #held = "";
  #isCut = false;

  constructor(onLine: (line: FollowedLine) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    const [first = "", ...others] = text.split("\n");
    this.#hold(first);
    for (const part of others) {
      this.#tell();
      this.#hold(part);
    }
  }

  /** The follow ended; a line that was not ended is told as far as it came. */
  finish(): void {
    if (this.#held !== "") this.#tell();
  }

  #hold(part: string): void {
    const room = followedLineCharactersMax - this.#held.length;
    if (part.length > room) this.#isCut = true;
    this.#held += part.slice(0, room);
  }

  #tell(): void {
    const text = this.#held;
    this.#onLine({ text, entry: decodeEntry(text), ...(this.#isCut ? { isCut: true } : {}) });
    this.#held = "";
    this.#isCut = false;
  }
}
