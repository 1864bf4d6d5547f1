/**
 * One exchange, seen from the server: message → user → history → operation → reply [W-1].
 *
 * A request is durable in the history before it is carried out or answered [W-8]. No error of a request leaves this file
 * as an exception: it becomes the peer's reply and a line of the log.
 */

import { HistoryError } from "@wirebook/history";
import type { RequestEntry, History, AppendResult } from "@wirebook/history";
import {
  authenticationError,
  decodeCommand,
  decodeMessage,
  decodeText,
  encodeError,
  encodeText,
  notReadyPrefix,
  ProtocolError,
  refusedBytesKept,
} from "@wirebook/protocol";
import type { Command } from "@wirebook/protocol";
import type { Connection, Received } from "../net/connection.ts";
import type { ServerContext } from "../server-context.ts";
import { ServerError } from "../errors.ts";
import { toErrorResponse } from "./error-response.ts";
import type { ErrorResponse } from "./error-response.ts";
import { dispatch } from "./operations/dispatch.ts";
import { send } from "./reply.ts";
import type { Response } from "./reply.ts";
import { authorize } from "../auth/auth.ts";
import type { Authenticator, Principal } from "../auth/auth.ts";

/** A message as far as it was understood. */
type Decoded =
  | { readonly outcome: "request"; readonly principal: Principal; readonly command: Command }
  | { readonly outcome: "unknown"; readonly isGuess: boolean }
  | { readonly outcome: "broken" }
  | { readonly outcome: "mistake"; readonly error: unknown; readonly principal?: Principal };

/** What is sent, and what the log says of it. */
interface Answer {
  readonly response: Response;
  readonly outcome: Command["verb"] | "unknown" | "broken" | "error";
  readonly failure?: ErrorResponse;
}

/** Serves one connection until it is closed. */
export async function serve(connection: Connection, context: ServerContext): Promise<void> {
  const received = await connection.received;
  if (received.isBroken && !received.hasBytes) return;
  const decoded = decode(received, context.authenticator);
  const entry = toRequestEntry(connection.address, received, decoded, context.authenticator);
  let result: AppendResult | undefined;
  let answer: Answer;
  try {
    if (received.hasBytes) result = await appendRequest(entry, decoded, context.history);
    else if (received.problem === undefined) await checkReadiness(context.history);
    answer = await answerTo(decoded, connection, context);
  } catch (error) {
    const failure = toErrorResponse(error);
    answer = { response: { text: context.replyHeader + encodeError(failure.sentence) }, outcome: "error", failure };
  }
  // A connection that sends nothing is a probe, such as a load balancer's, and no request.
  if (received.hasBytes) logRequest(entry, result, answer, context);
  // A proxy without its header leaves no line in the history, so its operator reads of it in the log.
  else if (answer.failure?.code === "proxy-header")
    context.log.write({ event: "refused", address: entry.address, code: answer.failure.code });
  const failure = decoded.outcome === "broken" ? undefined : await send(connection, answer.response);
  if (failure !== undefined) context.log.write({ event: "failure", message: failure.detail ?? failure.sentence });
}

/** Finds out what the bytes mean, once the message has ended. */
function decode({ bytes, problem, isBroken }: Received, authenticator: Authenticator): Decoded {
  if (isBroken) return { outcome: "broken" };
  let principal: Principal | undefined;
  try {
    if (problem !== undefined) throw problem;
    const message = decodeMessage(bytes);
    principal = authenticator.authenticate(message);
    if (principal === undefined) return { outcome: "unknown", isGuess: message.key !== undefined };
    return { outcome: "request", principal, command: decodeCommand(message.words) };
  } catch (error) {
    // With registered users only, an invalid name is an unknown user, and the sentence would repeat it.
    const isNoName = error instanceof ProtocolError && error.code === "user-syntax";
    if (isNoName && authenticator.mode === "registered") return { outcome: "unknown", isGuess: false };
    return { outcome: "mistake", error, ...(principal === undefined ? {} : { principal }) };
  }
}

/**
 * What the history keeps: the whole of a request, and the first bytes of anything else, without keys [H-5], [H-6]. Keys are
 * taken out before the cut, which could make one too short to be recognised.
 */
function toRequestEntry(
  address: string,
  { bytes }: Received,
  decoded: Decoded,
  authenticator: Authenticator,
): RequestEntry {
  const shown = authenticator.redact(decodeText(bytes), "principal" in decoded ? decoded.principal : undefined);
  if (decoded.outcome === "request" || bytes.length <= refusedBytesKept)
    return { address, message: shown, isCut: false };
  const shownBytes = encodeText(shown);
  const kept = decodeText(shownBytes.subarray(0, refusedBytesKept));
  return { address, message: kept, isCut: shownBytes.length > refusedBytesKept };
}

/**
 * Writes the request [W-8]. On a full disk only a request to delete all goes on without its line: it would delete that
 * line in any case, writes one that names the user, and frees the space that all requests need.
 *
 * @throws HistoryError `storage-full`, `storage-failed`, `closed`
 */
async function appendRequest(
  entry: RequestEntry,
  decoded: Decoded,
  history: History,
): Promise<AppendResult | undefined> {
  try {
    return await history.append(entry);
  } catch (error) {
    const isFull = error instanceof HistoryError && error.code === "storage-full";
    if (isFull && decoded.outcome === "request" && decoded.command.verb === "delete-all") return undefined;
    throw error;
  }
}

/**
 * A connection that ended without a byte asks whether this server is ready [W-21]: for that it must be able to write. Where
 * it is, the answer is that of any empty message.
 *
 * @throws ServerError `not-ready`
 */
async function checkReadiness(history: History): Promise<void> {
  try {
    await history.check();
  } catch (error) {
    const { sentence, detail } = toErrorResponse(error);
    throw new ServerError("not-ready", `${notReadyPrefix}${sentence}`, { cause: detail ?? error });
  }
}

/** Carries out the request. @throws what a request can fail with; see `toErrorResponse` */
async function answerTo(decoded: Decoded, connection: Connection, context: ServerContext): Promise<Answer> {
  switch (decoded.outcome) {
    case "mistake":
      throw decoded.error;
    case "broken":
      return { response: { text: "" }, outcome: "broken" };
    case "unknown":
      if (decoded.isGuess) await context.throttle.delay(connection.address, connection.closed);
      return { response: { text: authenticationError }, outcome: "unknown" };
    case "request": {
      const { command, principal } = decoded;
      context.counters.requests += 1;
      authorize(principal, command);
      const response = await dispatch(command, { ...context, ...principal, address: connection.address });
      return { response: { ...response, text: context.replyHeader + response.text }, outcome: command.verb };
    }
  }
}

function logRequest(
  entry: RequestEntry,
  result: AppendResult | undefined,
  { outcome, failure }: Answer,
  context: ServerContext,
): void {
  context.log.write({
    event: "request",
    time: result?.time ?? new Date().toISOString(),
    ...entry,
    outcome,
    ...(failure === undefined ? {} : { code: failure.code, sentence: failure.sentence, detail: failure.detail }),
  });
}
