/**
 * One exchange, seen from the server: message → user → history → operation → reply [W-1].
 *
 * A request is durable in the history before it is carried out or answered [W-8]. No error of a request leaves this file
 * as an exception: it becomes the peer's reply and a line of the log.
 *
 * A step calls the next one, and the only promise of a short request is the history's: most of a request's time is
 * Node's, and every promise and object between accept and close is moved about by the garbage collector.
 */

import { HistoryError } from "@wirebook/history";
import type { RequestEntry, Snapshot } from "@wirebook/history";
import {
  authenticationError,
  decodeCommand,
  decodeMessage,
  decodeText,
  encodeError,
  encodeText,
  joinBytes,
  notReadyPrefix,
  ProtocolError,
  refusedBytesKept,
} from "@wirebook/protocol";
import type { Command } from "@wirebook/protocol";
import type { Connection, Received } from "../net/connection.ts";
import { ServerError, toErrorResponse } from "../errors.ts";
import type { ErrorResponse } from "../errors.ts";
import { authorize } from "../auth/auth.ts";
import type { Authenticator, Principal } from "../auth/auth.ts";
import { dispatch } from "./operations.ts";
import type { Response, ServerContext } from "./operations.ts";
import type { Subscription } from "./subscriptions.ts";

/** A message as far as it was understood. */
type Decoded =
  | { readonly outcome: "request"; readonly principal: Principal; readonly command: Command }
  | { readonly outcome: "unknown"; readonly isGuess: boolean }
  | { readonly outcome: "broken" }
  | { readonly outcome: "mistake"; readonly error: unknown; readonly principal?: Principal };

/** One exchange on its way. */
interface Exchange {
  readonly connection: Connection;
  readonly context: ServerContext;
  readonly decoded: Decoded;
  /** What the history and the log say of it; `undefined` when no byte came. */
  readonly entry: RequestEntry | undefined;
  /** That of its line in the history. */
  time: string | undefined;
}

/** Serves a connection whose message has ended. */
export function serve(connection: Connection, received: Received, context: ServerContext): void {
  const { bytes, problem, hasBytes, isBroken } = received;
  if (isBroken && !hasBytes) return connection.end();
  const decoded = decode(received, context.authenticator);
  const entry = hasBytes ? toRequestEntry(connection.address, bytes, decoded, context.authenticator) : undefined;
  const exchange: Exchange = { connection, context, decoded, entry, time: undefined };
  if (entry !== undefined) {
    context.history.append(entry).then(
      ({ time }) => {
        exchange.time = time;
        carryOut(exchange);
      },
      (error: unknown) => (isAboutToMakeRoom(error, decoded) ? carryOut(exchange) : fail(exchange, error)),
    );
  } else if (problem === undefined) void answerProbe(exchange);
  else fail(exchange, problem);
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
  bytes: Uint8Array,
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
 * On a full disk only a request to delete all goes on without its line [W-8]: it would delete that line in any case,
 * writes one that names the user, and frees the space that all requests need.
 */
function isAboutToMakeRoom(error: unknown, decoded: Decoded): boolean {
  const isFull = error instanceof HistoryError && error.code === "storage-full";
  return isFull && decoded.outcome === "request" && decoded.command.verb === "delete-all";
}

/**
 * A connection that ended without a byte asks whether this server is ready [W-21]: for that it must be able to write. Where
 * it is, the answer is that of any empty message.
 */
async function answerProbe(exchange: Exchange): Promise<void> {
  try {
    await exchange.context.history.check();
  } catch (error) {
    const { sentence, detail } = toErrorResponse(error);
    const cause = detail ?? error;
    return fail(exchange, new ServerError("not-ready", `${notReadyPrefix}${sentence}`, { cause }));
  }
  carryOut(exchange);
}

/** Does what the message asks for, when its line is durable. */
function carryOut(exchange: Exchange): void {
  const { connection, context, decoded } = exchange;
  try {
    if (decoded.outcome === "mistake") throw decoded.error;
    if (decoded.outcome === "broken") {
      log(exchange, "broken");
      connection.end();
    } else if (decoded.outcome === "unknown") void refuseUnknown(exchange, decoded.isGuess);
    else {
      const { principal, command } = decoded;
      context.counters.requests += 1;
      authorize(principal, command);
      const response = dispatch(command, { user: principal.user, address: connection.address }, context);
      if (response instanceof Promise) void answerLater(exchange, command.verb, response);
      else answer(exchange, command.verb, response);
    }
  } catch (error) {
    fail(exchange, error);
  }
}

async function answerLater(exchange: Exchange, outcome: Command["verb"], response: Promise<Response>): Promise<void> {
  try {
    answer(exchange, outcome, await response);
  } catch (error) {
    fail(exchange, error);
  }
}

async function refuseUnknown(exchange: Exchange, isGuess: boolean): Promise<void> {
  const { connection, context } = exchange;
  try {
    if (isGuess) await context.throttle.delay(connection.address, connection.closed);
  } catch (error) {
    return fail(exchange, error);
  }
  log(exchange, "unknown");
  connection.end(authenticationError);
}

function fail(exchange: Exchange, error: unknown): void {
  const failure = toErrorResponse(error);
  log(exchange, "error", failure);
  exchange.connection.end(exchange.context.replyHeader.text + encodeError(failure.sentence));
}

function answer(exchange: Exchange, outcome: Command["verb"], { text, snapshot, subscription }: Response): void {
  const { connection, context } = exchange;
  log(exchange, outcome);
  const head = text === "" ? context.replyHeader.bytes : encodeText(context.replyHeader.text + text);
  if (snapshot !== undefined) void sendLines(exchange, sendSnapshot(connection, head, snapshot));
  else if (subscription !== undefined) void sendLines(exchange, sendFollow(connection, head, subscription));
  else connection.end(head);
}

async function sendLines({ connection, context }: Exchange, sending: Promise<void>): Promise<void> {
  try {
    await sending;
    connection.end();
  } catch (error) {
    connection.reset();
    const { sentence, detail = sentence } = toErrorResponse(error);
    context.log.write({ event: "failure", message: detail });
  }
}

/** A connection that sends nothing is a probe, such as a load balancer's, and no request. */
function log({ entry, time, connection, context }: Exchange, outcome: string, failure?: ErrorResponse): void {
  if (entry !== undefined) {
    const { address, message, isCut } = entry;
    const at = time ?? new Date().toISOString();
    context.log.write({ event: "request", time: at, address, message, isCut, outcome, ...failure });
  } else if (failure?.code === "proxy-header") {
    // A proxy without its header leaves no line in the history, so its operator reads of it in the log.
    context.log.write({ event: "refused", address: connection.address, code: failure.code });
  }
}

/**
 * Sends lines; the text goes out with the first of them, in one write [W-16].
 *
 * The next chunk is read when the kernel has taken the one before, so a slow peer slows the reading of the file and costs
 * no memory. What a response holds (a file, a place among the followers) is released before the connection lingers.
 */
async function sendSnapshot(connection: Connection, head: Uint8Array, snapshot: Snapshot): Promise<void> {
  await using lines = snapshot;
  let unsent = head;
  for await (const chunk of lines.chunks) {
    if (!(await connection.write(joinBytes(unsent, chunk)))) return;
    unsent = chunk.subarray(0, 0);
  }
  await connection.write(unsent);
}

/** A follow may be silent for hours, so the text does not wait for lines, and a peer that leaves ends it. */
async function sendFollow(connection: Connection, head: Uint8Array, subscription: Subscription): Promise<void> {
  await using lines = subscription;
  void connection.closed.then(() => lines[Symbol.asyncDispose]());
  connection.keepAlive();
  if (!(await connection.write(head))) return;
  for await (const chunk of lines.chunks()) {
    if (!(await connection.write(chunk))) return;
  }
}
