/**
 * The text behind a step's sign, in its three forms, read and written.
 *
 *     line      what is typed is sent; {{name}} is a value, \{{ two braces; of more braces the last two count
 *     pattern   the same, and * any run of characters, \* a star, \\ a backslash
 *     quoted    bytes: \r \n \t \0 \e \xNN \" \\ {{name}} \{{
 *
 * Bytes that are no UTF-8 are lone surrogates here, as in `decodeText`.
 */

import { cutText, decodeText, encodeText, invisible, plainText } from "@wirebook/protocol";
import { nameCharactersMax, type Piece } from "./scenario.ts";

type TextForm = "line" | "pattern" | "quoted";

/** Something wrong in a line, at an index of it. */
export class Mistake extends Error {
  readonly at: number;

  constructor(at: number, sentence: string) {
    super(sentence);
    this.at = at;
  }
}

/** Everything that may be more than itself. Hex escapes stand together, so that the bytes of a character become that character. */
const token =
  /\\\{\{|\{\{(?!\{)(?:(?<name>[A-Za-z][\w-]*)\}\})?|(?<hex>(?:\\x[0-9A-Fa-f]{2})+)|\\(?<letter>.?)|\*|"/gsu;
const escapes: Record<TextForm, Record<string, string>> = {
  line: {},
  pattern: { "*": "*", "\\": "\\" },
  quoted: { r: "\r", n: "\n", t: "\t", 0: "\0", e: "\u001b", '"': '"', "\\": "\\" },
};
const escapeAdvice = {
  line: "",
  pattern: 'type \\* for a star, \\\\ for a backslash, << "…" for bytes',
  quoted: 'type \\r \\n \\t \\0 \\e \\xNN \\" or \\\\',
};

/** What somebody typed, cut, as a sentence repeats it: in backticks, since scenarios are full of quotes. */
export function quoteCut(text: string): string {
  return `\`${plainText(cutText(text))}\``;
}

/** True for what stands for an end, and for what somebody could type instead. */
export function isEndWord(text: string): boolean {
  return /^(?:EOF|FIN|RST)[ \t]*$/i.test(text);
}

/** Reads the text, which stands at a place of its line; of the quoted form, what is between its quotes. */
export function readPieces(text: string, form: TextForm, at: number): Piece[] {
  const pieces: Piece[] = [];
  let plain = "";
  let end = 0;
  const add = (piece: Piece): void => {
    if (plain !== "") pieces.push({ kind: "text", text: plain });
    plain = "";
    pieces.push(piece);
  };
  for (const { 0: found, index, groups: { name, hex, letter } = {} } of text.matchAll(token)) {
    plain += text.slice(end, index);
    end = index + found.length;
    const escaped = letter === undefined ? undefined : escapes[form][letter];
    if (found === "\\{{") plain += "{{";
    else if (found.startsWith("{{")) {
      if (name === undefined || name.length > nameCharactersMax) {
        const typed = quoteCut(/^.*?(?:\}\}|$)/su.exec(text.slice(index))?.[0] ?? "");
        const advice = `{{name}} with at most ${nameCharactersMax} letters, digits, _ and -, or \\{{ for two braces`;
        throw new Mistake(at + index, `${typed} is no value; type ${advice}`);
      }
      add({ kind: "value", name });
    } else if (found === "*" && form === "pattern") {
      if (plain !== "" || pieces.at(-1)?.kind !== "any") add({ kind: "any" });
    } else if (hex !== undefined && form === "quoted") {
      plain += decodeText(Uint8Array.from(hex.split("\\x").slice(1), (digits) => Number.parseInt(digits, 16)));
    } else if (escaped !== undefined) plain += escaped;
    else if (found.startsWith("\\") && form !== "line") {
      throw new Mistake(at + index, `${quoteCut(found)} is no escape; ${escapeAdvice[form]}`);
    } else if (found === '"' && form === "quoted") {
      throw new Mistake(at + index, 'a quote within the quotes is typed `\\"`');
    } else plain += found;
  }
  plain += text.slice(end);
  if (plain !== "") pieces.push({ kind: "text", text: plain });
  return pieces;
}

const namedEscapes = new Map(Object.entries(escapes.quoted).map(([letter, character]) => [character, `\\${letter}`]));

const escapeByte = (before: string, byte: number): string => `${before}\\x${byte.toString(16).padStart(2, "0")}`;

/** The text with an escape for all that a scenario or a terminal could not show: the inverse of `readPieces`. */
export function escapeText(text: string): string {
  return text.replace(invisible, (found) => namedEscapes.get(found) ?? encodeText(found).reduce(escapeByte, ""));
}

export function escapeQuoted(text: string): string {
  return escapeText(text.replaceAll(/[\\"]|\{\{/g, "\\$&"));
}

export function escapePattern(text: string): string {
  return text.replaceAll(/[\\*]|\{\{/g, "\\$&");
}
