/** What the tests stand on: small TCP servers, a real gateway on a port of the system's choosing, and pages. */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Target } from "@wirebook/net";
import { createApp } from "../src/app.ts";
import type { GatewayConfig } from "../src/config.ts";
import { listeningPort } from "../src/http/http-servers.ts";
import { gatewayLimits } from "../src/limits.ts";
import type { GatewayLimits } from "../src/limits.ts";
import type { LogSink } from "../src/telemetry/access-log.ts";

/** A TCP server that is closed, with its connections, when it is disposed of. */
export interface Backend extends AsyncDisposable {
  readonly target: Target;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections so far. */
  readonly acceptedCount: number;
  /** The most connections at once that this server had not ended yet. */
  readonly peakCount: number;
}

/** Listens on a port of the system's choosing and hands each connection to `talk`. */
export async function openBackend(talk: (socket: Socket) => void): Promise<Backend> {
  const sockets = new Set<Socket>();
  let acceptedCount = 0;
  let peakCount = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    acceptedCount += 1;
    peakCount = Math.max(peakCount, [...sockets].filter(({ writableEnded }) => !writableEnded).length);
    // Best effort: tests reset connections on purpose.
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    talk(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    target: { host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    sockets,
    get acceptedCount() {
      return acceptedCount;
    },
    get peakCount() {
      return peakCount;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A server that answers `echo ` and the line that it was sent, and closes. */
export function openEcho(): Promise<Backend> {
  return openBackend((socket) => socket.once("data", (line) => socket.end(`echo ${line.toString()}`)));
}

/** A server that reads and never answers, and closes when its client does. */
export function openMute(): Promise<Backend> {
  return openBackend((socket) => socket.resume().on("end", () => socket.end()));
}

/** A port on which nothing listens any more. */
export async function closedPort(): Promise<Target> {
  await using backend = await openBackend(() => undefined);
  return backend.target;
}

/** A gateway that listens until it is disposed of. */
export interface Gateway extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly port: number;
  /** `127.0.0.1:port`, as its Host header has it. */
  readonly host: string;
  /** The lines of its log. */
  readonly log: string[];
}

/** What a test wants otherwise. */
export interface GatewayOptions {
  readonly config?: Partial<GatewayConfig>;
  readonly limits?: Partial<GatewayLimits>;
}

/** Starts a gateway in front of a server. */
export async function openGateway(server: Target, options: GatewayOptions = {}): Promise<Gateway> {
  const log: string[] = [];
  const logSink: LogSink = { write: (line) => log.push(line) };
  const config: GatewayConfig = {
    host: "127.0.0.1",
    port: 0,
    server,
    serverConnections: 256,
    origins: [],
    proxyProtocol: false,
    trustedProxies: [],
    metricsFrom: [],
    tls: undefined,
    pcap: undefined,
    page: join(tmpdir(), "wirebook-no-page"),
    ...options.config,
  };
  const limits = { ...gatewayLimits, drainMs: 0, closeTimeoutMs: 200, ...options.limits };
  const app = await createApp(config, { limits, logSink });
  await app.listen({ host: config.host, port: config.port });
  const port = listeningPort(app);
  return { app, port, host: `127.0.0.1:${port}`, log, [Symbol.asyncDispose]: () => app.close() };
}

/** The log's lines about one kind of event. */
export function eventsOf({ log }: Gateway, event: string): Record<string, unknown>[] {
  return log.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line.event === event);
}
