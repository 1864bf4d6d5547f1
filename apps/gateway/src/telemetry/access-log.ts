/**
 * What the gateway writes to its standard output: a line for each stream, and for what happens to a WebSocket.
 *
 * JSON lines by pino, which is part of Fastify; on a terminal the same lines in short. No line has a key in it [W-9], and on
 * a terminal no character of a message acts on it.
 */

import type { FastifyBaseLogger } from "fastify";
import { plainText } from "@wirebook/protocol";
import type { StreamRecord } from "@wirebook/protocol";
import type { Flow } from "../flows/flow.ts";
import { outcomeOf } from "../streams/stream.ts";
import type { Stream, StreamEnd } from "../streams/stream.ts";
import { hopOf } from "../websocket/page-frames.ts";

/** Characters of a message that a line of the log shows. */
const messageCharactersMax = 256;

/** Milliseconds for which lines are gathered, to leave in one write. */
const gatheringMs = 10;

/** Characters of gathered lines that leave at once. */
export const gatheredCharactersMax = 64 * 1024;

/** Something that happened to a WebSocket. */
interface SocketEvent {
  /** Counts the gateway's WebSockets. */
  readonly socket: number;
  readonly outcome: string;
  readonly address?: string;
  /** Of a relay. */
  readonly target?: string | undefined;
  /** Who authenticated. */
  readonly user?: string | undefined;
}

/** A login, one that failed, or a logout. */
interface LoginEvent {
  readonly address: string;
  /** Absent when the name is none of the file: it may be a password. */
  readonly user: string | undefined;
  readonly outcome: string;
}

/** The gateway's log. */
export interface Log {
  /** A stream is over. */
  stream(socket: number, user: string | null, stream: Stream): void;
  /** A flow through a listening port is over. */
  flow(flow: Flow): void;
  socket(event: SocketEvent): void;
  login(event: LoginEvent): void;
  /** A request or an upgrade was refused. */
  refused(address: string, status: number, message: string): void;
  /** A connection was closed before a byte of it was read. */
  closed(address: string, reason: string): void;
  /** Something else that the operator should know. */
  notice(message: string): void;
  /** An error of the gateway itself. */
  internalError(error: unknown, where: object): void;
}

/** The log of a Fastify app. */
export function createLog(logger: FastifyBaseLogger): Log {
  return {
    stream: (socket, user, stream) => logger.info(describeStream(socket, user, stream)),
    flow: (flow) => logger.info(describeFlow(flow)),
    socket: (event) => logger.info({ event: "socket", ...event }),
    login: (event) => logger.info({ event: "login", ...event }),
    refused: (address, status, message) => logger.warn({ event: "refused", address, status, message }),
    closed: (address, reason) => logger.warn({ event: "closed", address, reason }),
    notice: (message) => logger.warn({ event: "notice", message }),
    internalError: (err, where) => logger.error({ event: "internal-error", err, ...where }),
  };
}

function describeStream(socket: number, user: string | null, { id, request, outcome, record }: Stream): object {
  return {
    event: "stream",
    socket,
    user: user ?? undefined,
    id,
    target: request.target.name,
    message: request.shown.slice(0, messageCharactersMax),
    ...describeEnd(outcome, record, request.receivedMs),
  };
}

function describeFlow({ port, clientText, outcome, record }: Flow): object {
  const end = describeEnd(outcome, record, record.at.received ?? 0);
  return { event: "flow", port: port.port, client: clientText, target: port.target.name, ...end };
}

function describeEnd(outcome: StreamEnd | undefined, record: StreamRecord, fromMs: number): object {
  const { sentBytes, receivedBytes, at } = record;
  const ms = Math.round(((at.closed ?? performance.now()) - fromMs) * 1000) / 1000;
  const hop = outcome !== undefined && "code" in outcome ? hopOf[outcome.code] : undefined;
  return { outcome: outcomeOf(outcome), hop, sentBytes, receivedBytes, ms };
}

/** Where log lines go. */
export interface LogSink {
  write(line: string): void;
}

/** A sink that gathers lines for a moment. */
export interface GatheringSink extends LogSink {
  /** Passes on what it has gathered; to be called when the process ends. */
  flush(): void;
}

/** Passes on the lines of a moment in one write: with a line for each exchange, a write for each was an eighth of the work. */
export function gatheringSink(sink: LogSink): GatheringSink {
  let gathered = "";
  const flush = (): void => {
    if (gathered === "") return;
    const lines = gathered;
    gathered = "";
    sink.write(lines);
  };
  return {
    write: (line) => {
      if (gathered === "") setTimeout(flush, gatheringMs);
      gathered += line;
      if (gathered.length > gatheredCharactersMax) flush();
    },
    flush,
  };
}

/** Shortens JSON lines for a reader at a terminal. */
export function readableSink(sink: LogSink): LogSink {
  return {
    write: (line) => {
      const text = describeLine(JSON.parse(line) as Record<string, unknown>);
      if (text !== undefined) sink.write(`${text}\n`);
    },
  };
}

function describeLine(line: Record<string, unknown>): string | undefined {
  const time = new Date(Number(line.time)).toISOString().slice(11, 23);
  const show = (name: string): string => plainText(String(line[name]));
  switch (line.event) {
    case "stream":
      return `${time} WebSocket ${show("socket")} #${show("id")} ${show("target")}: ${show("message")}: ${describeOutcome(show)}`;
    case "flow":
      return `${time} port ${show("port")} from ${show("client")} to ${show("target")}: ${describeOutcome(show)}`;
    case "socket":
      return `${time} WebSocket ${show("socket")}${describeClient(line, show)}: ${show("outcome")}`;
    case "login":
      return `${time} ${"user" in line ? show("user") : "an unknown name"} from ${show("address")}: ${show("outcome")}`;
    case "refused":
      return `${time} refused ${show("address")} (${show("status")}): ${show("message")}`;
    case "closed":
      return `${time} closed ${show("address")}: ${line.reason === "not-allowed" ? "it is not of an --allow" : `too many ${show("reason")}`}`;
    case "notice":
      return `${time} ${show("message")}`;
    default:
      return Number(line.level) > 30 ? `${time} ${JSON.stringify(line.err ?? line.msg)}` : undefined;
  }
}

function describeClient(line: object, show: (name: string) => string): string {
  if (!("address" in line)) return "";
  return ` from ${"user" in line ? `${show("user")}, ` : ""}${show("address")}`;
}

function describeOutcome(show: (name: string) => string): string {
  return `${show("outcome")}, ${show("receivedBytes")} bytes, ${show("ms")} ms`;
}
