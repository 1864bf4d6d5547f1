/** A line that is typed for the Wirebook server: the request that it is, or why the server would refuse it. */

import {
  decodeCommand,
  decodeMessage,
  encodeMessage,
  encodeText,
  findOperation,
  ProtocolError,
} from "@wirebook/protocol";
import type { Announcement, OperationSpec } from "@wirebook/protocol";
import type { Order } from "../streams/streams.svelte.ts";

export interface Draft {
  /** The bytes as text: the line with the key of its name and a line feed. Empty when nothing is typed. */
  readonly message: string;
  /** The fields of its frame; set when the gateway makes exactly these bytes from them. */
  readonly request?: Pick<Order, "user" | "operation" | "values">;
  readonly verb?: OperationSpec["verb"] | undefined;
  /** Why the server would refuse it, in the words that it would use. */
  readonly problem?: string;
}

/** @param announced the operations that the server offers; `undefined` before it has said which */
export function makeDraft(
  line: string,
  withKey: (name: string) => string,
  announced: readonly Announcement[] | undefined,
): Draft {
  const text = line.trim().replace(/^[^\s~]+(?=\s|$)/u, withKey);
  if (text === "") return { message: "" };
  const message = `${text}\n`;
  try {
    const { words } = decodeMessage(encodeText(text));
    const number = numberOf(words[0]);
    const operation = number === undefined ? undefined : findOperation(number);
    const isOffered = announced?.some((each) => each.number === number);
    // An operation that this protocol does not know is not checked: the server announced it and checks it.
    if (operation !== undefined || isOffered !== true) decodeCommand(words);
    if (number !== undefined && isOffered === false)
      return { message, problem: `the server does not offer operation ${number}; choose another` };
    return { message, verb: operation?.verb, ...requestOf(text) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { message, problem: error.message };
  }
}

/** Tabs, two spaces in a row, and numbers such as 02: the server takes them, and a frame cannot say them. */
function requestOf(text: string): Pick<Draft, "request"> {
  if (!/^\S+(?: \S+)*$/u.test(text)) return {};
  const [user = "", word, ...values] = text.split(" ");
  const operation = numberOf(word);
  return encodeMessage(user, operation, values) === `${text}\n` ? { request: { user, operation, values } } : {};
}

function numberOf(word: string | undefined): number | undefined {
  return word !== undefined && /^\d{1,9}$/u.test(word) ? Number(word) : undefined;
}

/** What was pasted, as the one line that a message is. Looking behind each blank keeps a long run of them from taking minutes. */
export function asOneLine(text: string): string {
  return text.replaceAll(/(?<!\s)\s*[\r\n]\s*/gu, " ");
}

export function withoutKey(message: string): string {
  return message.replace(/^(\s*[^\s~]*)~\S*/u, "$1");
}

export function operationOf(line: string, announced: readonly Announcement[]): Announcement | undefined {
  const [, word] = line.trimStart().split(/\s+/u);
  return announced.find(({ number }) => String(number) === word);
}

/** The operations that the word after the name may become; none once it is one of them. */
export function completionsOf(line: string, announced: readonly Announcement[]): readonly Announcement[] {
  const typed = /^\s*\S+\s+(\S*)$/u.exec(line)?.[1]?.toLowerCase();
  if (typed === undefined) return [];
  const fits = ({ number, purpose }: Announcement) =>
    String(number).startsWith(typed) || (!/^\d/u.test(typed) && purpose.toLowerCase().includes(typed));
  const found = announced.filter(fits);
  return found.length === 1 && String(found[0]?.number) === typed ? [] : found;
}

export function complete(line: string, operation: Announcement): string {
  const name = line.trim().split(/\s/u, 1)[0] ?? "";
  return `${name} ${operation.number}${operation.parameters.length > 0 ? " " : ""}`;
}
