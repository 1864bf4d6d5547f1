import { decodeText, joinBytes, ReplyReader } from "@wirebook/protocol";
import { answeredKeyBytesMax } from "../limits.ts";

const lineFeed = 0x0a;

/** Reads the answer to operation 4, `name~key` and a line feed [U-4], out of a reply that comes in any chunks. */
export class AnsweredKey {
  readonly #reader = new ReplyReader();
  #line: Uint8Array = new Uint8Array(0);
  #isOver = false;

  /** The name with its key, once, by the chunk with which its line became whole. A piece of a key is of no use. */
  push(chunk: Uint8Array): string | undefined {
    if (this.#isOver) return undefined;
    this.#line = joinBytes(this.#line, this.#reader.push(chunk).response);
    const end = this.#line.indexOf(lineFeed);
    if (end < 0 && this.#line.length <= answeredKeyBytesMax) return undefined;
    const line = end > answeredKeyBytesMax ? "" : decodeText(this.#line.subarray(0, Math.max(0, end)));
    this.#isOver = true;
    this.#line = new Uint8Array(0);
    return /^[^\s~]+~[^\s~]+$/u.test(line) ? line : undefined;
  }
}
