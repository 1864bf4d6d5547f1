/**
 * What the gateway writes to its standard output: a line for each exchange, and for what happens to a WebSocket.
 *
 * JSON lines by pino, which is part of Fastify; on a terminal the same lines in short. No line has a key in it [W-9], and on
 * a terminal no character of a message acts on it.
 */

import type { FastifyBaseLogger } from "fastify";
import { endReasons, plainText } from "@wirebook/protocol";
import type { EndReason } from "@wirebook/protocol";
import type { Stream, StreamOutcome } from "../streams/stream.ts";
import { hopOf } from "../websocket/errors.ts";

/** Characters of a message that a line of the log shows. */
const messageCharactersMax = 256;

/** Characters of lines that are gathered within one turn of the event loop, to leave in one write. */
export const gatheredCharactersMax = 64 * 1024;

/** Something that happened to a WebSocket. */
interface SocketEvent {
  /** Counts the gateway's WebSockets. */
  readonly socket: number;
  readonly outcome: string;
  readonly address?: string;
}

/** The gateway's log. */
export interface Log {
  /** An exchange is over. */
  exchange(socket: number, stream: Stream): void;
  socket(event: SocketEvent): void;
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
    exchange: (socket, stream) => logger.info(describeExchange(socket, stream)),
    socket: (event) => logger.info({ event: "socket", ...event }),
    refused: (address, status, message) => logger.warn({ event: "refused", address, status, message }),
    closed: (address, reason) => logger.warn({ event: "closed", address, reason }),
    notice: (message) => logger.warn({ event: "notice", message }),
    internalError: (err, where) => logger.error({ event: "internal-error", err, ...where }),
  };
}

function describeExchange(socket: number, { id, request, outcome, trace }: Stream): object {
  const { sentBytes, receivedBytes, at } = trace;
  const message = request.shown.slice(0, messageCharactersMax);
  const hop = outcome === undefined || isEnd(outcome) ? undefined : hopOf[outcome];
  const ms = Math.round(((at.closed ?? performance.now()) - request.receivedMs) * 1000) / 1000;
  return { event: "exchange", socket, id, message, outcome, hop, sentBytes, receivedBytes, ms };
}

function isEnd(outcome: StreamOutcome): outcome is EndReason {
  return endReasons.some((reason) => reason === outcome);
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

/**
 * Passes on the lines of one turn of the event loop in one write: with a line for each exchange, a write for each line
 * was an eighth of the gateway's work.
 */
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
      if (gathered === "") setImmediate(flush);
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
    case "exchange":
      return `${time} page ${show("socket")} #${show("id")} ${show("message")}: ${describeOutcome(show)}`;
    case "socket":
      return `${time} page ${show("socket")}${"address" in line ? ` from ${show("address")}` : ""}: ${show("outcome")}`;
    case "refused":
      return `${time} refused ${show("address")} (${show("status")}): ${show("message")}`;
    case "closed":
      return `${time} closed ${show("address")}: too many ${show("reason")}`;
    case "notice":
      return `${time} ${show("message")}`;
    default:
      return Number(line.level) > 30 ? `${time} ${JSON.stringify(line.err ?? line.msg)}` : undefined;
  }
}

function describeOutcome(show: (name: string) => string): string {
  return `${show("outcome")}, ${show("receivedBytes")} bytes, ${show("ms")} ms`;
}
