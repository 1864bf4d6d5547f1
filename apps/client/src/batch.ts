import { decodeText, LineSplitter, messageBytesMax } from "@wirebook/protocol";
import type { Line } from "@wirebook/protocol";
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
  let number = 0;
  for await (const line of linesOf(chunks)) {
    const { bytes, length } = withoutReturn(line);
    number += 1;
    if (length > messageBytesMax) {
      printError(`line ${number} of standard input: ${messageTooLong(length).message}`);
      code = Math.max(code, exitCodes.usage);
    } else if (decodeText(bytes).trim() !== "") {
      const outcome = await send(createMessage(bytes));
      code = Math.max(code, exitCodeOf(outcome));
      if (outcome.kind !== "answered") break;
    } else if (length > 0) {
      printError(`line ${number} of standard input has only white space and is not sent; type a message`);
    }
  }
  return code;
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  // A carriage return before the line feed is not part of the message.
  const splitter = new LineSplitter(messageBytesMax + 1);
  for await (const chunk of chunks) yield* splitter.push(chunk);
  yield* splitter.finish();
}

function withoutReturn({ bytes, length }: Line): Line {
  const hasReturn = bytes.length === length && bytes.at(-1) === 0x0d;
  return hasReturn ? { bytes: bytes.subarray(0, -1), length: length - 1 } : { bytes, length };
}
