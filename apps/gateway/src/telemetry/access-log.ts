/**
 * What the gateway writes to its standard output: JSON lines by pino, which is part of Fastify; on a terminal the same lines
 * in short. No line has a key in it [W-9]. docs/reference/log-events.md lists the events.
 */

import type { FastifyBaseLogger } from "fastify";
import { plainText, type StreamRecord } from "@wirebook/protocol";
import { TokenBucket } from "../bounds.ts";
import type { Flow } from "../flows/flow.ts";
import { outcomeOf, type Stream, type StreamEnd } from "../streams/stream.ts";
import { hopOf } from "../websocket/page-frames.ts";

/** Characters of a message that a line of the log shows. */
const messageCharactersMax = 256;

/** Milliseconds for which lines are gathered, to leave in one write, and characters of them that leave at once. */
const gatheringMs = 10;
export const gatheredCharactersMax = 64 * 1024;

/** Lines at once that tell of refusals, and milliseconds until there may be one more; others are counted. */
const refusalLinesMax = 20;
const refusalLineMs = 1000;

/** Something that happened to a WebSocket, by its number; with the target of a relay. */
interface SocketEvent {
  readonly socket: number;
  readonly outcome: string;
  readonly address?: string;
  readonly target?: string | undefined;
  readonly user?: string | undefined;
}

/** `user` is absent when the name is none of the file: it may be a password. */
type LoginEvent = { readonly address: string; readonly user: string | undefined; readonly outcome: string };

export type Log = ReturnType<typeof createLog>;

export function createLog(logger: FastifyBaseLogger) {
  const refusals = new TokenBucket(refusalLinesMax, 1000 / refusalLineMs);
  let more = 0;
  /** Anybody can cause thousands a second, which must not fill the disk. */
  const warnOfRefusal = (line: object): void => {
    if (more === 0 && refusals.take()) return logger.warn(line);
    more += 1;
    if (more > 1) return;
    setTimeout(() => {
      logger.warn({ event: "refused", more });
      more = 0;
    }, refusalLineMs).unref();
  };
  return {
    stream(socket: number, user: string | null, { id, request, outcome, record }: Stream): void {
      const message = request.shown.slice(0, messageCharactersMax);
      const end = describeEnd(outcome, record, request.receivedMs);
      const target = request.target.name;
      logger.info({ event: "stream", socket, user: user ?? undefined, id, target, message, ...end });
    },
    flow({ port, clientText, outcome, record: { at }, logged: { sentBytes, receivedBytes } }: Flow): void {
      const end = describeEnd(outcome, { at, sentBytes, receivedBytes }, at.received ?? 0);
      logger.info({ event: "flow", port: port.port, client: clientText, target: port.target.name, ...end });
    },
    socket: (event: SocketEvent): void => logger.info({ event: "socket", ...event }),
    login: (event: LoginEvent): void => logger.info({ event: "login", ...event }),
    failedLogin: (event: LoginEvent): void => warnOfRefusal({ event: "login", ...event }),
    refused: (address: string, status: number, message: string): void =>
      warnOfRefusal({ event: "refused", address, status, message }),
    /** A connection was closed before a byte of it was read. */
    closed: (address: string, reason: string): void => warnOfRefusal({ event: "closed", address, reason }),
    notice: (message: string): void => logger.warn({ event: "notice", message }),
    internalError: (err: unknown, where: object): void => logger.error({ event: "internal-error", err, ...where }),
  };
}

function describeEnd(
  outcome: StreamEnd | undefined,
  { sentBytes, receivedBytes, at }: Pick<StreamRecord, "at" | "sentBytes" | "receivedBytes">,
  fromMs: number,
): object {
  const ms = Math.round(((at.closed ?? performance.now()) - fromMs) * 1000) / 1000;
  const hop = outcome !== undefined && "code" in outcome ? hopOf(outcome.code) : undefined;
  return { outcome: outcomeOf(outcome), hop, sentBytes, receivedBytes, ms };
}

export interface LogSink {
  write(line: string): void;
}

/** Passes on the lines of a moment in one write, which was an eighth of the work; `flush` it when the process ends. */
export function gatheringSink(sink: LogSink): LogSink & { flush(): void } {
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

/** Shortens JSON lines for a reader at a terminal: the time, the event, and its members. */
export function readableSink(sink: LogSink): LogSink {
  return {
    write: (line) => {
      const { level, time, event, ...members } = JSON.parse(line) as { event?: string; [name: string]: unknown };
      // The framework's own lines are of use only when something is wrong.
      if (event === undefined && Number(level) <= 30) return;
      const head = `${new Date(Number(time)).toISOString().slice(11, 23)} ${event ?? "error"}`;
      const shown = Object.entries(members).map(([name, value]) => {
        return `${name}=${plainText(typeof value === "string" ? value : JSON.stringify(value))}`;
      });
      sink.write(`${[head, ...shown].join(" ")}\n`);
    },
  };
}
