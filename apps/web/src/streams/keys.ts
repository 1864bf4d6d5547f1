/** Access keys: how many are kept, and where they are in messages and answers. */

import { decodeText, encodeText, joinBytes, ReplyReader } from "@wirebook/protocol";

/** Names whose keys this browser keeps. */
export const keysKept = 50;

const lineFeed = 0x0a;

/** The key after the name in a message's first word, if there is one. It is shown only where it is typed. */
export function keyOf(message: string): string | undefined {
  return /^\s*[^\s~]*~(\S+)/u.exec(message)?.[1];
}

/** The text with the key as asterisks, as many as it has bytes, so that offsets stay true. */
export function hideKey(text: string, key: string | undefined): string {
  return key === undefined ? text : text.replaceAll(`~${key}`, `~${"*".repeat(encodeText(key).length)}`);
}

/** The text of a frame with asterisks for all that may be a key: what follows a `~`, up to white space or a quote. */
export function hideKeys(text: string): string {
  return text.replaceAll(/(?<=~)[^\s"\\]+/gu, (key) => "*".repeat(encodeText(key).length));
}

/** Bytes of the answer to operation 4 in which a name with its key is looked for. */
export const answeredKeyBytesMax = 1024;

/** Reads the answer to operation 4, `name~key` and a line feed [U-4], out of a reply that comes in any reads. */
export class AnsweredKey {
  readonly #reader = new ReplyReader();
  #line: Uint8Array = new Uint8Array(0);
  #isOver = false;

  /** The name with its key, once, by the read with which its line became whole. A piece of a key is of no use. */
  push(read: Uint8Array): string | undefined {
    if (this.#isOver) return undefined;
    this.#line = joinBytes(this.#line, this.#reader.push(read).response);
    const end = this.#line.indexOf(lineFeed);
    if (end < 0 && this.#line.length <= answeredKeyBytesMax) return undefined;
    const line = end > answeredKeyBytesMax ? "" : decodeText(this.#line.subarray(0, Math.max(0, end)));
    this.#isOver = true;
    this.#line = new Uint8Array(0);
    return /^[^\s~]+~[^\s~]+$/u.test(line) ? line : undefined;
  }
}
