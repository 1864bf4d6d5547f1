/** What the tests stand on: small servers, a real gateway on a port of the system's choosing, and pages. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { onTestFinished, expect } from "vitest";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import { tcpTarget } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { subprotocol } from "@wirebook/protocol";
import { PageClient } from "../../../test-support/page-client.ts";
import { createApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import type { GatewayConfig } from "../src/config.ts";
import { listeningPort } from "../src/http/access-control.ts";
import { gatewayLimits } from "../src/limits.ts";
import type { GatewayLimits } from "../src/limits.ts";
import type { LogSink } from "../src/telemetry/access-log.ts";

/** A server that is closed, with its connections, when it is disposed of. */
export interface Backend extends AsyncDisposable {
  /** By the name `wirebook`. */
  readonly target: Target;
  /** Where it listens; 0 for a Unix socket. */
  readonly port: number;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections so far. */
  readonly acceptedCount: number;
  /** The most connections at once that this server had not ended yet. */
  readonly peakCount: number;
}

/** Listens on a port of the system's choosing, or on a Unix socket, and hands each connection to `talk`. */
export async function openBackend(talk: (socket: Socket) => void, path?: string): Promise<Backend> {
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
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  const port = path === undefined ? (server.address() as AddressInfo).port : 0;
  const local = path === undefined ? undefined : ({ transport: "unix", path } as const);
  return {
    target: { ...tcpTarget("wirebook", { host: "127.0.0.1", port }), ...(local && { address: local }) },
    port,
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

/** A server that sends back what it gets, and FIN after FIN. */
export function openMirror(path?: string): Promise<Backend> {
  return openBackend((socket) => socket.pipe(socket), path);
}

/** A folder for sockets and files, removed when it is disposed of. */
export async function openFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "wirebook-gateway-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A port on which nothing listens any more. */
export async function closedPort(): Promise<Pick<Backend, "target" | "port">> {
  await using backend = await openBackend(() => undefined);
  return { target: backend.target, port: backend.port };
}

/** The same service by another name. */
export function named(name: string, { target }: Pick<Backend, "target">): Target {
  return { ...target, name };
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

const defaults = readConfig({ argv: [], env: {} }) as GatewayConfig;

/** Starts a gateway in front of one server, or of several targets. */
export async function openGateway(
  servers: Pick<Backend, "target"> | readonly Target[],
  options: GatewayOptions = {},
): Promise<Gateway> {
  const log: string[] = [];
  const logSink: LogSink = { write: (line) => log.push(line) };
  const targets = "target" in servers ? [servers.target] : servers;
  const config: GatewayConfig = {
    ...defaults,
    port: 0,
    targets: [...targets],
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

/** Connects a page; the test fails when the page gets what no gateway should send. */
export async function openPage(
  { host }: Pick<Gateway, "host">,
  options?: ClientOptions,
  path?: string,
): Promise<PageClient> {
  const page = await PageClient.open(host, options, path);
  onTestFinished(() => expect(page.unexpected).toEqual([]));
  return page;
}

/** The HTTP status with which a WebSocket is refused, and its message. */
export async function refusedPage(
  { host }: Gateway,
  options: ClientOptions = {},
  path = "/ws",
): Promise<[status: number, message: string]> {
  const socket = new WebSocket(`ws://${host}${path}`, subprotocol, { origin: `http://${host}`, ...options });
  const [, response] = (await once(socket, "unexpected-response")) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ];
  let message = "";
  for await (const chunk of response) message += chunk.toString();
  return [response.statusCode, message];
}
