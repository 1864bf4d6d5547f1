/**
 * One exchange, seen from the server: message → user → history → operation → reply [W-1].
 *
 * A request is durable in the history before it is carried out or answered [W-8]. No error of a request leaves this file
 * as an exception: it becomes the peer's reply and a line of the log.
 */

import { HistoryError, type History, type RequestEntry, type Snapshot } from "@wirebook/history";
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
import { authorize, type Authenticator, type Principal } from "../auth/auth.ts";
import type { Connection, Problem } from "../connection.ts";
import { ServerError, toErrorResponse, type ErrorResponse } from "../errors.ts";
import type { Follow } from "./follows.ts";
import { dispatch, type ServerContext } from "./operations.ts";

/** A message as far as it was understood. */
type Decoded =
  | { readonly outcome: "request"; readonly principal: Principal; readonly command: Command }
  | { readonly outcome: "unknown"; readonly isGuess: boolean }
  | { readonly outcome: "broken" }
  | { readonly outcome: "mistake"; readonly error: unknown; readonly principal: Principal | undefined };

/** What goes out: bytes, and perhaps lines behind them, of which the session disposes. */
interface Reply {
  readonly head: Uint8Array;
  readonly snapshot?: Snapshot | undefined;
  readonly follow?: Follow | undefined;
}

const nothing = new Uint8Array(0);
const unauthenticated: Reply = { head: encodeText(authenticationError) };

/** Serves a connection whose message has ended. */
export async function serve(connection: Connection, problem: Problem, context: ServerContext): Promise<void> {
  const { authenticator, history, log, replyHeader } = context;
  const { address, message, hasBytes } = connection;
  if (problem === "broken" && !hasBytes) return connection.end();
  const decoded = decode(message, problem, authenticator);
  const entry = hasBytes ? toEntry(connection, decoded, authenticator) : undefined;
  let time: string | undefined;
  const note = (outcome: string, failure?: ErrorResponse): void => {
    const at = time ?? new Date().toISOString();
    if (entry !== undefined) log.write({ event: "request", time: at, ...entry, outcome, ...failure });
    // A proxy without its header leaves no line in the history, so its operator reads of it in the log.
    else if (failure?.code === "proxy-header") log.write({ event: "refused", address, code: failure.code });
  };
  let reply: Reply;
  try {
    if (entry !== undefined) {
      try {
        time = (await history.append(entry)).time;
      } catch (error) {
        assertMakesRoom(error, decoded);
      }
    } else if (problem === undefined) await assertReady(history);
    const response = carryOut(decoded, connection, context);
    reply = response instanceof Promise ? await response : response;
  } catch (error) {
    const failure = toErrorResponse(error);
    note("error", failure);
    return connection.end(replyHeader.text + encodeError(failure.sentence));
  }
  note(decoded.outcome === "request" ? decoded.command.verb : decoded.outcome);
  const { head, snapshot, follow } = reply;
  try {
    if (snapshot !== undefined) await sendSnapshot(connection, head, snapshot);
    else if (follow !== undefined) await sendFollow(connection, head, follow);
    connection.end(snapshot === undefined && follow === undefined ? head : undefined);
  } catch (error) {
    connection.reset();
    const { sentence, detail = sentence } = toErrorResponse(error);
    log.write({ event: "failure", message: detail });
  }
}

function decode(message: Uint8Array, problem: Problem, authenticator: Authenticator): Decoded {
  if (problem === "broken") return { outcome: "broken" };
  let principal: Principal | undefined;
  try {
    if (problem !== undefined) throw problem;
    const claim = decodeMessage(message);
    principal = authenticator.authenticate(claim);
    if (principal === undefined) return { outcome: "unknown", isGuess: claim.key !== undefined };
    return { outcome: "request", principal, command: decodeCommand(claim.words) };
  } catch (error) {
    // With registered users only, an invalid name is an unknown user, and the sentence would repeat it.
    const isNoName = error instanceof ProtocolError && error.code === "user-syntax";
    if (isNoName && authenticator.mode === "registered") return { outcome: "unknown", isGuess: false };
    return { outcome: "mistake", error, principal };
  }
}

/**
 * What the history keeps: the whole of a request, and the first bytes of anything else, without keys [H-5], [H-6]. Keys are
 * taken out before the cut, which could make one too short to be recognised.
 */
function toEntry({ address, message }: Connection, decoded: Decoded, authenticator: Authenticator): RequestEntry {
  const shown = authenticator.redact(decodeText(message), "principal" in decoded ? decoded.principal : undefined);
  const isWhole = decoded.outcome === "request" || message.length <= refusedBytesKept;
  if (isWhole) return { address, message: shown, isCut: false };
  const shownBytes = encodeText(shown);
  const kept = decodeText(shownBytes.subarray(0, refusedBytesKept));
  return { address, message: kept, isCut: shownBytes.length > refusedBytesKept };
}

/**
 * On a full disk only a request to delete all goes on without its line [W-8]: it would delete that line in any case,
 * writes one that names the user, and frees the space that all requests need.
 */
function assertMakesRoom(error: unknown, decoded: Decoded): void {
  const isFull = error instanceof HistoryError && error.code === "storage-full";
  if (!isFull || decoded.outcome !== "request" || decoded.command.verb !== "delete-all") throw error;
}

/** A connection that ended without a byte asks whether this server is ready [W-21]: for that it must be able to write. */
async function assertReady(history: History): Promise<void> {
  try {
    await history.check();
  } catch (error) {
    const { sentence, detail } = toErrorResponse(error);
    throw new ServerError("not-ready", `${notReadyPrefix}${sentence}`, { cause: detail ?? error });
  }
}

/** The reply at once where that takes no time. @throws what `dispatch` throws, and what was wrong with the message */
function carryOut(decoded: Decoded, connection: Connection, context: ServerContext): Reply | Promise<Reply> {
  const { counters, replyHeader, throttle } = context;
  switch (decoded.outcome) {
    case "mistake":
      throw decoded.error;
    case "broken":
      return { head: nothing };
    case "unknown":
      if (!decoded.isGuess) return unauthenticated;
      return throttle.delay(connection.address, connection.closed).then(() => unauthenticated);
    case "request": {
      const { principal, command } = decoded;
      counters.requests += 1;
      authorize(principal, command);
      const by = { user: principal.user, address: connection.address };
      if (command.verb === "list") return { head: replyHeader.bytes }; // It begins every reply, and is the answer.
      return dispatch(command, by, context).then(({ text, ...lines }) => {
        return { head: encodeText(replyHeader.text + text), ...lines };
      });
    }
  }
}

/**
 * Sends lines, the head with the first of them in one write [W-16]. A slow peer slows the reading of the file and costs no
 * memory. What a reply holds (a file, a place among the followers) is released before the connection lingers.
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

/** A follow may be silent for hours, so the head does not wait for lines, and a peer that leaves ends it. */
async function sendFollow(connection: Connection, head: Uint8Array, follow: Follow): Promise<void> {
  await using lines = follow;
  void connection.closed.then(() => lines[Symbol.asyncDispose]());
  connection.keepAlive();
  if (!(await connection.write(head))) return;
  for await (const chunk of lines.chunks) {
    if (!(await connection.write(chunk))) return;
  }
}
