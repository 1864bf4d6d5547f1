import { styleText } from "node:util";
import { decodeText, joinBytes, plainText } from "@wirebook/protocol";

/** The text with nothing in it that acts on a terminal, but with its lines and tabs. */
export function visibleText(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => plainText(part));
}

/** Bytes that come in chunks as text, where a character may be cut by the end of a chunk. */
export class TextStream {
  #rest: Uint8Array = new Uint8Array(0);

  /** The text of all characters that are whole by now. */
  push(bytes: Uint8Array): string {
    const all = joinBytes(this.#rest, bytes);
    const whole = all.length - unfinishedBytes(all);
    this.#rest = all.slice(whole);
    return decodeText(all.subarray(0, whole));
  }

  /** No more bytes come: an unfinished character is no character. */
  finish(): string {
    return decodeText(this.#rest);
  }
}

/** How many bytes at the end begin a character of UTF-8 that is not whole yet (RFC 3629, section 3). */
function unfinishedBytes(bytes: Uint8Array): number {
  const tail = bytes.subarray(-3);
  const begin = tail.subarray(tail.findLastIndex((byte) => byte < 0x80 || byte >= 0xc0));
  const [first = 0] = begin;
  const needed = first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return needed > begin.length ? begin.length : 0;
}

export type Paint = Readonly<Record<"strong" | "faint" | "outward" | "inward" | "wrong", (text: string) => string>>;

/** The colours of a terminal; without them every text stays as it is. */
export function createPaint(hasColours: boolean): Paint {
  const brush = (style: Parameters<typeof styleText>[0]) => (text: string) =>
    hasColours && text !== "" ? styleText(style, text, { validateStream: false }) : text;
  return {
    strong: brush("bold"),
    faint: brush("dim"),
    outward: brush("cyan"),
    inward: brush("green"),
    wrong: brush("red"),
  };
}
