import { decodeText, messageBytesMax } from "@wirebook/protocol";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { linesOf } from "./lines.ts";
import { createMessage, messageTooLong } from "./message.ts";
import type { Outgoing } from "./message.ts";
import type { Outcome } from "./outcome.ts";

/** What a batch does with each message, and whom it tells of lines that are none. */
interface BatchOptions {
  readonly send: (outgoing: Outgoing) => Promise<Outcome>;
  readonly printError: (sentence: string) => void;
}

/**
 * Sends each line as a message, one after the other, and returns the exit code: the highest of them all.
 *
 * A reply that is an error is an answer, so the batch goes on; when the network fails or the user interrupts, what
 * follows would be sent to nobody or against the user's will.
 */
export async function runBatch(chunks: AsyncIterable<Uint8Array>, { send, printError }: BatchOptions): Promise<number> {
  let code: number = exitCodes.done;
  for await (const { number, bytes, length } of linesOf(chunks)) {
    if (length > messageBytesMax) {
      printError(`line ${number} of standard input: ${messageTooLong(length).message}`);
      code = Math.max(code, exitCodes.usage);
      continue;
    }
    if (decodeText(bytes).trim() === "") continue;
    const outcome = await send(createMessage(bytes));
    code = Math.max(code, exitCodeOf(outcome));
    if (outcome.kind !== "answered") break;
  }
  return code;
}
