import { decodeText, joinBytes, messageBytesMax } from "@wirebook/protocol";
import { createMessage, messageTooLong } from "./message.ts";
import type { Outgoing } from "./message.ts";
import { exitCodeOf, exitCodes } from "./result.ts";
import type { Outcome } from "./result.ts";

/** What a batch does with each message, and whom it tells of lines that are none. */
interface BatchOptions {
  readonly send: (outgoing: Outgoing) => Promise<Outcome>;
  readonly printError: (sentence: string) => void;
}

/**
 * Sends each line as a message, one after the other, and returns the exit code: the highest of them all.
 *
 * A reply that is an error is an answer, so the batch goes on; when the network fails or the user interrupts, what
 * follows would be lost, or sent against the user's will.
 */
export async function runBatch(chunks: AsyncIterable<Uint8Array>, { send, printError }: BatchOptions): Promise<number> {
  let code: number = exitCodes.done;
  for await (const { number, bytes, length } of linesOf(chunks)) {
    if (length > messageBytesMax) {
      printError(`line ${number} of standard input: ${messageTooLong(length).message}`);
      code = Math.max(code, exitCodes.usage);
      continue;
    }
    if (decodeText(bytes).trim() === "") {
      if (length > 0)
        printError(`line ${number} of standard input has only white space and is not sent; type a message`);
      continue;
    }
    const outcome = await send(createMessage(bytes));
    code = Math.max(code, exitCodeOf(outcome));
    if (outcome.kind !== "answered") break;
  }
  return code;
}

/** One line of standard input. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Without the line ending; at most one byte over the limit of a message, the rest of a longer line is dropped. */
  readonly bytes: Uint8Array;
  /** How long the line was, dropped bytes included. */
  readonly length: number;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing = new Uint8Array(0);
/** A carriage return before the line feed is not part of the message, and one byte more shows that a line is too long. */
const heldBytesMax = messageBytesMax + 2;

/** The lines of a stream of bytes, however long they are, in bounded memory. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 1;
  let held: Uint8Array = nothing;
  let length = 0;
  const take = (part: Uint8Array): void => {
    held = joinBytes(held, part.slice(0, Math.max(0, heldBytesMax - held.length)));
    length += part.length;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      take(chunk.subarray(from, at));
      yield lineOf(number++, held, length);
      held = nothing;
      length = 0;
      from = at + 1;
    }
    take(chunk.subarray(from));
  }
  if (length > 0) yield lineOf(number, held, length);
}

function lineOf(number: number, held: Uint8Array, length: number): Line {
  const hasReturn = held.length === length && held.at(-1) === carriageReturn;
  return hasReturn ? { number, bytes: held.subarray(0, -1), length: length - 1 } : { number, bytes: held, length };
}
