/**
 * One exchange, seen from the server: a message → who → the log → the operation → the reply [W-1].
 *
 * Whatever came is in the history, durably, before anything is done or answered [W-8]; where the history does not take
 * the line, nothing is done. Nobody's mistake leaves this file as an exception: it becomes the peer's reply and a line
 * on the terminal.
 */

import { HistoryError } from "@wirebook/history";
import type { Asked, History, Written } from "@wirebook/history";
import {
  authenticationError,
  decodeCommand,
  decodeMessage,
  decodeText,
  encodeError,
  refusedBytesKept,
  withoutKey,
} from "@wirebook/protocol";
import type { Command } from "@wirebook/protocol";
import type { Connection, Received } from "./connection.ts";
import type { Context } from "./context.ts";
import { failureOf } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { perform } from "./operations/perform.ts";
import type { Response } from "./operations/response.ts";
import { send } from "./reply.ts";
import type { Identify, Speaker } from "./who.ts";

/** A message as far as it was understood. */
type Heard =
  | { readonly outcome: "request"; readonly speaker: Speaker; readonly command: Command }
  | { readonly outcome: "unknown" | "broken" }
  | { readonly outcome: "mistake"; readonly error: unknown };

/** What is to be sent, and what the terminal shows of it. */
interface Answer {
  readonly response: Response;
  readonly outcome: Command["verb"] | "unknown" | "broken" | "error";
  readonly failure?: Failure;
}

/** Serves one connection until it is closed. */
export async function serve(connection: Connection, context: Context): Promise<void> {
  const received = await connection.received;
  if (received.isBroken && !received.hasBytes) return;
  const heard = hear(received, context.identify);
  const asked = askedFrom(connection.address, received, heard);
  let written: Written | undefined;
  let answer: Answer;
  try {
    if (received.hasBytes) written = await log(asked, heard, context.history);
    answer = await answerTo(heard, asked.address, context);
  } catch (error) {
    const failure = failureOf(error);
    answer = { response: { text: context.beginning + encodeError(failure.sentence) }, outcome: "error", failure };
  }
  // A connection that sends nothing is a probe, such as a load balancer's: it asks nothing.
  if (received.hasBytes) showRequest(asked, written, answer, context);
  else if (answer.failure?.code === "proxy-header") showRefused(asked, answer.failure, context);
  const failure = heard.outcome === "broken" ? undefined : await send(connection, answer.response);
  if (failure !== undefined) context.terminal.show({ event: "failure", message: failure.detail ?? failure.sentence });
}

/** Finds out what the bytes mean, once the message has ended. */
function hear({ bytes, problem, isBroken }: Received, identify: Identify): Heard {
  if (isBroken) return { outcome: "broken" };
  try {
    if (problem !== undefined) throw problem;
    const message = decodeMessage(bytes);
    const speaker = identify(message);
    if (speaker === undefined) return { outcome: "unknown" };
    return { outcome: "request", speaker, command: decodeCommand(message.words) };
  } catch (error) {
    return { outcome: "mistake", error };
  }
}

/** What the history keeps: a request as it came, of anything else the beginning; a key of neither [H-5], [H-6]. */
function askedFrom(address: string, { bytes }: Received, { outcome }: Heard): Asked {
  const isCut = outcome !== "request" && bytes.length > refusedBytesKept;
  const kept = isCut ? bytes.subarray(0, refusedBytesKept) : bytes;
  return { address, message: withoutKey(decodeText(kept)), isCut };
}

/**
 * Writes what was asked [W-8]. On a full disk only a request to delete all goes on without its line: it would take that
 * line with it in any case, says in the history by whom it was, and makes the room that everybody lacks.
 *
 * @throws HistoryError `storage-full`, `storage-failed`, `closed`
 */
async function log(asked: Asked, heard: Heard, history: History): Promise<Written | undefined> {
  try {
    return await history.append(asked);
  } catch (error) {
    const isFull = error instanceof HistoryError && error.code === "storage-full";
    if (isFull && heard.outcome === "request" && heard.command.verb === "delete-all") return undefined;
    throw error;
  }
}

/** Does what was asked. @throws what a request can fail with; see `failureOf` */
async function answerTo(heard: Heard, address: string, context: Context): Promise<Answer> {
  switch (heard.outcome) {
    case "mistake":
      throw heard.error;
    case "broken":
      return { response: { text: "" }, outcome: "broken" };
    case "unknown":
      return { response: { text: authenticationError }, outcome: "unknown" };
    case "request": {
      const response = await perform(heard.command, { ...context, ...heard.speaker, address });
      return { response: { ...response, text: context.beginning + response.text }, outcome: heard.command.verb };
    }
  }
}

/** A proxy that does not say for whom it connects leaves no line, so the terminal is where its operator learns of it. */
function showRefused({ address }: Asked, { code }: Failure, { terminal }: Context): void {
  terminal.show({ event: "refused", address, code });
}

function showRequest(asked: Asked, written: Written | undefined, { outcome, failure }: Answer, context: Context): void {
  context.terminal.show({
    event: "request",
    time: written?.time ?? new Date().toISOString(),
    ...asked,
    outcome,
    ...(failure === undefined ? {} : { code: failure.code, sentence: failure.sentence, detail: failure.detail }),
  });
}
