/** The message that the composer's fields make, or why a server would refuse it. */

import {
  decodeCommand,
  decodeMessage,
  encodeMessage,
  encodeText,
  findOperation,
  isLiteral,
  ProtocolError,
} from "@wirebook/protocol";
import type { Announcement, Parameter } from "@wirebook/protocol";

export interface Fields {
  readonly user: string;
  readonly operation: Announcement | undefined;
  readonly values: readonly string[];
}

export interface Draft {
  /** The message with its line feed; `undefined` when the fields make none. */
  readonly message: string | undefined;
  /** What goes into the frame, without what was left empty. */
  readonly values: readonly string[];
  /** Why a server would refuse it, in the words that it would use. */
  readonly problem: string | undefined;
}

export function makeDraft({ user, operation, values }: Fields): Draft {
  const given = operation === undefined ? [] : argumentsOf(operation, values);
  const name = user.trim();
  try {
    if (name === "") decodeMessage(new Uint8Array(0));
    const gap = operation === undefined ? undefined : findGap(operation, given);
    if (gap !== undefined) return { message: undefined, values: given, problem: gap };
    const message = encodeMessage(name, operation?.number, given);
    return { message, values: given, problem: findProblem(message, operation) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { message: undefined, values: given, problem: error.message };
  }
}

/** An operation that this protocol does not know is not checked here: the server announced it and checks it. */
function findProblem(message: string, operation: Announcement | undefined): string | undefined {
  try {
    const { words } = decodeMessage(encodeText(message.trimEnd()));
    if (operation === undefined || findOperation(operation.number) !== undefined) decodeCommand(words);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.message;
  }
}

/** Arguments are told apart by their order alone, so none may be left out before one that is given. */
function findGap(operation: Announcement, values: readonly string[]): string | undefined {
  const at = values.indexOf("");
  const names = parametersOf(operation).map(({ name }) => name);
  return at < 0 ? undefined : `${names[at + 1]} needs ${names[at]} before it; type ${names[at]} too`;
}

/** What was typed, without what was left empty at the end; words that stand for themselves come behind the values. */
function argumentsOf(operation: Announcement, values: readonly string[]): readonly string[] {
  const parameters = parametersOf(operation);
  const typed = values.map((value, at) => {
    const parameter = parameters[at];
    return { value: value.trim(), isWord: parameter !== undefined && isLiteral(parameter) };
  });
  const words = typed.filter(({ value, isWord }) => isWord && value !== "").map(({ value }) => value);
  return [...withoutEmptyEnd(typed.filter(({ isWord }) => !isWord).map(({ value }) => value)), ...words];
}

function withoutEmptyEnd(values: readonly string[]): readonly string[] {
  return values.slice(0, values.findLastIndex((value) => value !== "") + 1);
}

/** The parameters as announced. For a server that announces none, those that its operation cannot do without. */
export function parametersOf({ number, parameters }: Announcement): readonly Parameter[] {
  if (parameters.length > 0) return parameters;
  return findOperation(number)?.parameters.filter(({ isOptional }) => !isOptional) ?? [];
}
