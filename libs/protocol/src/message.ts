/**
 * What a client sends: `user [OPERATION [ARGUMENT…]]` on one line of UTF-8 [W-2]…[W-10]. It is read in two steps, because
 * the user is authenticated between them.
 */

import { ProtocolError } from "./errors.ts";
import { argumentsMax, messageBytesMax, nameCharactersMax, quotedCharactersMax } from "./limits.ts";
import { encodeParameters, findOperation, operations, type OperationSpec } from "./operations.ts";
import { redactKeys, looksLikeKey } from "./redact.ts";
import { decodeText, quoteText } from "./text.ts";

export interface Message {
  readonly user: string;
  /** What followed the first `~` of the first word. A secret: never log it. */
  readonly key: string | undefined;
  readonly words: readonly string[];
}

/** What a message asks for. Lines count from 1; a negative line counts from the end, -1 being the last. */
export type Command =
  | { readonly verb: "list" }
  | { readonly verb: "delete-line"; readonly line: number; readonly time: string | undefined }
  /** As a snapshot, the response begins with the version of the history that was read. */
  | ({ readonly verb: "read"; readonly isSnapshot: boolean } & Record<"from" | "to", number | undefined>)
  | { readonly verb: "delete-all" }
  | { readonly verb: "create-user"; readonly name: string | undefined }
  | { readonly verb: "follow"; readonly from: number | undefined }
  | { readonly verb: "status" }
  | { readonly verb: "archive"; readonly keep: Keep };

/** What an archiving leaves in the history: so many of the newest lines, or those of so many days. */
export type Keep = { readonly lines: number } | { readonly days: number };

const httpRequestLine = / HTTP\/1\.[01]$/;
/** Without letters and marks that show nothing, such as U+3164 and U+FE0F: names that differ in one look the same. */
const plainName = /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]*$/u;
const nameAdvice = `type at most ${nameCharactersMax} letters, digits, dots, hyphens and underscores`;
/** The most days that an archiving keeps: a century. */
const keepDaysMax = 36_500;

/** True when the word may be a username [W-9]. What looks like a key is none: names are shown everywhere. */
export function isName(word: string): boolean {
  const isShort = word.length <= nameCharactersMax || [...word].length <= nameCharactersMax;
  return isShort && plainName.test(word) && !looksLikeKey(word);
}

/** What makes two names the same: neither case nor the way in which a letter is composed tells them apart [W-9]. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

/** @throws ProtocolError `http`, `message-encoding`, `message-empty`, `message-too-long` or `user-syntax` */
export function decodeMessage(line: Uint8Array): Message {
  if (line.length > messageBytesMax) throw messageTooLong();
  const text = decodeText(line);
  if (httpRequestLine.test(text)) {
    throw new ProtocolError("http", "this is no HTTP server; open the gateway's address in a browser instead");
  }
  if (!text.isWellFormed()) {
    throw new ProtocolError("message-encoding", "the message is not UTF-8; send it as UTF-8 text");
  }
  const [first, ...words] = text.match(/\S+/gu) ?? [];
  if (first === undefined) {
    throw new ProtocolError("message-empty", "the message is empty; type a username, for example: brick 2");
  }
  const tilde = first.indexOf("~");
  const user = tilde < 0 ? first : first.slice(0, tilde);
  const key = tilde < 0 ? undefined : first.slice(tilde + 1);
  if (!isName(user)) throw new ProtocolError("user-syntax", `${quote(user)} is no username; ${nameAdvice}`);
  return { user, key, words };
}

/** @throws ProtocolError `operation-unknown`, `argument-count`, `argument-syntax` or `argument-range` */
export function decodeCommand(words: readonly string[]): Command {
  const [number, ...values] = words;
  const [first, second] = values;
  if (number === undefined) return { verb: "list" };
  const operation = /^\d{1,9}$/.test(number) ? findOperation(Number(number)) : undefined;
  if (operation === undefined) {
    const known = operations.map((each) => each.number);
    const choice = `type ${known.slice(0, -1).join(", ")} or ${known.at(-1)} after your username`;
    throw new ProtocolError("operation-unknown", `${quote(number)} is no operation; ${choice}`);
  }
  checkCount(operation, values);
  switch (operation.verb) {
    case "delete-line":
      return { verb: operation.verb, line: decodeLine("N", first, 1) as number, time: second };
    case "read":
      return decodeRead(values);
    case "create-user":
      return { verb: operation.verb, name: first === undefined ? undefined : decodeName(first) };
    case "follow":
      return { verb: operation.verb, from: decodeLine("FROM", first) };
    case "archive":
      return { verb: operation.verb, keep: decodeKeep(first ?? "0") };
    case "delete-all":
    case "status":
      return { verb: operation.verb };
  }
}

/** True when the words ask for an operation that destroys [W-5]. */
export function isDestructive(words: readonly string[]): boolean {
  return findOperation(Number(words[0] ?? Number.NaN))?.isDestructive ?? false;
}

/** With its line feed. @throws ProtocolError `argument-syntax` when a word is empty or holds white space, `message-too-long` */
export function encodeMessage(user: string, operation?: number, values: readonly (string | number)[] = []): string {
  const words = [user, ...(operation === undefined ? [] : [operation]), ...values].map(String);
  const broken = words.find((word) => word === "" || /\s/u.test(word) || !word.isWellFormed());
  if (broken !== undefined) throw wrongArgument(`${quote(broken)} is not one word; leave out white space`);
  const line = words.join(" ");
  if (new TextEncoder().encode(line).length > messageBytesMax) throw messageTooLong();
  return `${line}\n`;
}

function messageTooLong(): ProtocolError {
  return new ProtocolError(
    "message-too-long",
    `the message is over the limit of ${messageBytesMax} bytes; send a shorter line`,
  );
}

function checkCount({ number, parameters }: OperationSpec, values: readonly string[]): void {
  const least = parameters.filter((parameter) => !parameter.isOptional).length;
  const most = Math.min(parameters.length, argumentsMax);
  if (values.length >= least && values.length <= most) return;
  const form = `${number} ${encodeParameters(parameters)}`.trim();
  const range = most === 0 ? "no" : least === most ? `${most}` : `${least} to ${most}`;
  throw new ProtocolError(
    "argument-count",
    `operation ${number} takes ${range} argument${range === "1" ? "" : "s"}, not ${values.length}; type: ${form}`,
  );
}

/** The word `snapshot` comes last, whether or not FROM and TO are given. */
function decodeRead(values: readonly string[]): Command {
  const isSnapshot = values.at(-1) === "snapshot";
  const [from, to, rest] = isSnapshot ? values.slice(0, -1) : values;
  if (from === "snapshot" || to === "snapshot" || rest !== undefined) {
    throw wrongArgument(
      "only the word snapshot may follow FROM and TO, and it comes last; type: 2 [FROM] [TO] [snapshot]",
    );
  }
  return { verb: "read", from: decodeLine("FROM", from), to: decodeLine("TO", to), isSnapshot };
}

function decodeLine(parameter: string, word: string | undefined, least = -Infinity): number | undefined {
  if (word === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(word)) {
    throw wrongArgument(`${parameter} is ${quote(word)}, not a line number; type a number such as 12`);
  }
  const line = Number(word);
  if (line !== 0 && line >= least) return line;
  throw new ProtocolError("argument-range", `${parameter} is ${line}, and the first line is 1; type a number from 1`);
}

function decodeKeep(word: string): Keep {
  const [, digits, unit] = /^(\d{1,15})(d?)$/.exec(word) ?? [];
  const count = Number(digits);
  if (unit === "") return { lines: count };
  if (unit === undefined) {
    throw wrongArgument(
      `KEEP is ${quote(word)}, no number of lines or days; type a number of lines such as 1000, or of days such as 30d`,
    );
  }
  if (count >= 1 && count <= keepDaysMax) return { days: count };
  throw new ProtocolError("argument-range", `KEEP is ${word}; type days from 1d to ${keepDaysMax}d`);
}

function decodeName(word: string): string {
  if (isName(word)) return word;
  throw wrongArgument(`NAME is ${quote(word)}, no username; ${nameAdvice}, without a key`);
}

function wrongArgument(sentence: string): ProtocolError {
  return new ProtocolError("argument-syntax", sentence);
}

/** A word as a sentence may repeat it: without a key, and not too long. */
function quote(word: string): string {
  const characters = [...redactKeys(word)];
  const isLong = characters.length > quotedCharactersMax;
  return quoteText(isLong ? `${characters.slice(0, quotedCharactersMax).join("")}…` : characters.join(""));
}
