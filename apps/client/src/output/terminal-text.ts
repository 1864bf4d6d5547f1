import { decodeText, joinBytes, plainText } from "@wirebook/protocol";

/** The text with nothing in it that acts on a terminal, but with its lines and tabs. */
export function visibleText(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => plainText(part));
}

const nothing = new Uint8Array(0);

/** Bytes that come in chunks as text, where a character may be cut by the end of a chunk. */
export class TextStream {
  #rest: Uint8Array = nothing;

  /** The text of all characters that are whole by now. */
  push(bytes: Uint8Array): string {
    const all = joinBytes(this.#rest, bytes);
    const whole = all.length - unfinishedBytes(all);
    this.#rest = all.slice(whole);
    return decodeText(all.subarray(0, whole));
  }

  /** No more bytes come: an unfinished character is no character. */
  finish(): string {
    const rest = this.#rest;
    this.#rest = nothing;
    return decodeText(rest);
  }
}

/** How many bytes at the end begin a character of UTF-8 that is not whole yet (RFC 3629, section 3). */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let count = 1; count <= Math.min(3, bytes.length); count++) {
    const byte = bytes.at(-count) as number;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return needed > count ? count : 0;
  }
  return 0;
}

/** Colours, or the absence of them. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly outward: (text: string) => string;
  readonly inward: (text: string) => string;
  readonly wrong: (text: string) => string;
}

/** ECMA-48, section 8.3.117 (SGR): what switches each on, and what switches it off again. */
const styles = {
  strong: ["1", "22"],
  faint: ["2", "22"],
  outward: ["36", "39"],
  inward: ["32", "39"],
  wrong: ["31", "39"],
} as const satisfies Record<keyof Paint, readonly [string, string]>;

/** The colours of a terminal; without them every text stays as it is. */
export function createPaint(hasColours: boolean): Paint {
  const brush = (name: keyof Paint) => {
    const [on, off] = styles[name];
    return (text: string): string => (hasColours && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text);
  };
  return {
    strong: brush("strong"),
    faint: brush("faint"),
    outward: brush("outward"),
    inward: brush("inward"),
    wrong: brush("wrong"),
  };
}

/** True when colours may be written there (https://no-color.org). */
export function isColoured(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}
