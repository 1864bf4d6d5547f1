/**
 * What the gateway says on its standard output: a line for each exchange, and for what happens to a WebSocket.
 *
 * JSON lines by pino, which Fastify brings along; on a terminal the same lines made short. No line holds a key [W-9], and
 * on a terminal no character of a message acts on it.
 */

import type { FastifyBaseLogger } from "fastify";
import { endReasons, plainText } from "@wirebook/protocol";
import type { EndReason } from "@wirebook/protocol";
import { hopOf } from "../websocket/frame-error.ts";
import { heldLogCharactersMax, loggedCharactersMax } from "../limits.ts";
import type { Stream, StreamOutcome } from "../streams/stream.ts";

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
  /** A request or an upgrade was not let in. */
  refused(address: string, status: number, sentence: string): void;
  /** A connection was closed before a byte of it was read. */
  closed(address: string, reason: string): void;
  /** Something else that the operator should know. */
  notice(sentence: string): void;
  /** The gateway's own mistake. */
  mistake(error: unknown, where: object): void;
}

/** The log of a Fastify app. */
export function createLog(logger: FastifyBaseLogger): Log {
  return {
    exchange: (socket, stream) => logger.info(describeExchange(socket, stream)),
    socket: (event) => logger.info({ event: "socket", ...event }),
    refused: (address, status, sentence) => logger.warn({ event: "refused", address, status, sentence }),
    closed: (address, reason) => logger.warn({ event: "closed", address, reason }),
    notice: (sentence) => logger.warn({ event: "notice", sentence }),
    mistake: (err, where) => logger.error({ event: "mistake", err, ...where }),
  };
}

function describeExchange(socket: number, { id, request, outcome, trace }: Stream): object {
  const { sentBytes, receivedBytes, at } = trace;
  const message = request.shown.slice(0, loggedCharactersMax);
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

/** A sink that holds lines back for a moment. */
export interface GatheringSink extends LogSink {
  /** Passes on what is held back; to be called when the process ends. */
  flush(): void;
}

/**
 * Passes on the lines of one turn of the event loop in one write: with a line for each exchange, a write for each line
 * was an eighth of the gateway's work.
 */
export function gatheringSink(sink: LogSink): GatheringSink {
  let held = "";
  const flush = (): void => {
    if (held === "") return;
    const lines = held;
    held = "";
    sink.write(lines);
  };
  return {
    write: (line) => {
      if (held === "") setImmediate(flush);
      held += line;
      if (held.length > heldLogCharactersMax) flush();
    },
    flush,
  };
}

/** Makes JSON lines short for a reader at a terminal. */
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
      return `${time} refused ${show("address")} (${show("status")}): ${show("sentence")}`;
    case "closed":
      return `${time} closed ${show("address")}: too many ${show("reason")}`;
    case "notice":
      return `${time} ${show("sentence")}`;
    default:
      return Number(line.level) > 30 ? `${time} ${JSON.stringify(line.err ?? line.msg)}` : undefined;
  }
}

function describeOutcome(show: (name: string) => string): string {
  return `${show("outcome")}, ${show("receivedBytes")} bytes, ${show("ms")} ms`;
}
