/**
 * A line that is typed for the Wirebook server: the request that it is, or why the server would refuse it; and what the
 * server's list of operations adds to it.
 */

import {
  decodeCommand,
  decodeMessage,
  encodeMessage,
  encodeText,
  findOperation,
  ProtocolError,
} from "@wirebook/protocol";
import type { Announcement, OperationSpec, Parameter } from "@wirebook/protocol";

/** A request in the fields of its frame. */
interface DraftRequest {
  readonly user: string;
  readonly operation: number | undefined;
  readonly values: readonly string[];
}

export interface Draft {
  /** The bytes as text: the line with the key of its name and a line feed. Empty when nothing is typed. */
  readonly message: string;
  /** Set when the gateway makes exactly these bytes from it. */
  readonly request: DraftRequest | undefined;
  readonly verb: OperationSpec["verb"] | undefined;
  /** Why the server would refuse it, in the words that it would use. */
  readonly problem: string | undefined;
}

/**
 * @param withKey gives a name with the key that is kept for it
 * @param announced the operations that the server offers; `undefined` before it has said which
 */
export function makeDraft(
  line: string,
  withKey: (name: string) => string,
  announced: readonly Announcement[] | undefined,
): Draft {
  const typed = line.trim();
  if (typed === "") return { message: "", request: undefined, verb: undefined, problem: undefined };
  const text = typed.replace(/^[^\s~]+(?=\s|$)/u, withKey);
  const message = `${text}\n`;
  try {
    const { words } = decodeMessage(encodeText(text));
    const operation = numberOf(words[0]);
    // An operation that this protocol does not know is not checked: the server announced it and checks it.
    const isOther =
      announced?.some(({ number }) => number === operation) && findOperation(operation as number) === undefined;
    if (!isOther) decodeCommand(words);
    const problem = isOffered(operation, announced)
      ? undefined
      : `the server does not offer operation ${operation}; choose another`;
    const verb = operation === undefined ? undefined : findOperation(operation)?.verb;
    return { message, request: requestOf(text), verb, problem };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { message, request: undefined, verb: undefined, problem: error.message };
  }
}

function isOffered(operation: number | undefined, announced: readonly Announcement[] | undefined): boolean {
  return operation === undefined || announced === undefined || announced.some(({ number }) => number === operation);
}

function requestOf(text: string): DraftRequest | undefined {
  const [user = "", word, ...values] = text.split(" ");
  const operation = numberOf(word);
  if (word !== undefined && operation === undefined) return undefined;
  try {
    return encodeMessage(user, operation, values) === `${text}\n` ? { user, operation, values } : undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined; // Two spaces in a row: the server takes them, and a frame cannot say them.
  }
}

function numberOf(word: string | undefined): number | undefined {
  return word !== undefined && /^\d{1,9}$/u.test(word) ? Number(word) : undefined;
}

/** The message with the name alone, as it may be kept and shown. */
export function withoutKey(message: string): string {
  return message.replace(/^(\s*[^\s~]*)~\S*/u, "$1");
}

/** The parameters as announced. For a server that announces none, those that its operation cannot do without. */
export function parametersOf({ number, parameters }: Announcement): readonly Parameter[] {
  if (parameters.length > 0) return parameters;
  return findOperation(number)?.parameters.filter(({ isOptional }) => !isOptional) ?? [];
}

/** The operation of a line, and which of its arguments is being typed. */
export interface LineHint {
  readonly operation: Announcement;
  readonly parameters: readonly Parameter[];
  /** The index of the argument at the end of the line; past the last one when there are too many. */
  readonly at: number;
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

/** The line with that operation after its name, ready for the arguments. */
export function complete(line: string, operation: Announcement): string {
  const name = line.trim().split(/\s/u, 1)[0] ?? "";
  return `${name} ${operation.number}${parametersOf(operation).length > 0 ? " " : ""}`;
}

export function hintOf(line: string, announced: readonly Announcement[]): LineHint | undefined {
  const words = line.trimStart().split(/\s+/u);
  const operation = announced.find(({ number }) => String(number) === words[1]);
  if (operation === undefined) return undefined;
  return { operation, parameters: parametersOf(operation), at: words.length - 3 };
}

/** `[FROM]`, or `N` where it may not be left out. */
export function parameterText({ name, isOptional }: Parameter): string {
  return isOptional ? `[${name}]` : name;
}
