/**
 * The gateway as a Fastify app: who is let in, what is served, and where a WebSocket goes.
 *
 * Hooks run before an upgrade as before any other request: who may not connect at all gets a status there. One for whom
 * there is no room gets a WebSocket and over it the reason, which is all that a browser would show its page [G-10].
 */

import fastifyStatic from "@fastify/static";
import fastifyWebsocket from "@fastify/websocket";
import Fastify, { LogController } from "fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { describeTarget } from "@wirebook/exchange";
import { encodeProxyHeader, pageFrameBytesMax, subprotocol } from "@wirebook/protocol";
import manifest from "../package.json" with { type: "json" };
import { Admission } from "./admission.ts";
import type { Refusal } from "./admission.ts";
import type { GatewayConfig } from "./config.ts";
import { ExchangeSlots } from "./exchange-slots.ts";
import { cacheControl, securityHeaders } from "./headers.ts";
import { gatewayLimits } from "./limits.ts";
import type { GatewayLimits } from "./limits.ts";
import { createLog } from "./log.ts";
import type { Log, LogSink } from "./log.ts";
import { addressOf, proxyHeaderOf } from "./page-peer.ts";
import { Readiness } from "./readiness.ts";
import { Sockets } from "./sockets.ts";

/** What may differ from one app to another besides the operator's settings. */
export interface AppOptions {
  /** Where log lines go; nowhere when it is absent. */
  readonly logSink?: LogSink;
  readonly limits?: GatewayLimits;
}

/** Makes a gateway that does not listen yet; closing it drains it. */
export async function createApp(config: GatewayConfig, options: AppOptions = {}): Promise<FastifyInstance> {
  const { limits = gatewayLimits, logSink } = options;
  const app = createFastify(config, limits, logSink);
  const log = createLog(app.log);
  const slots = new ExchangeSlots(config.serverConnections, limits);
  const serverName = describeTarget(config.server);
  const sockets = new Sockets({ server: config.server, serverName, slots, limits, log, version: manifest.version });
  await registerWebsocket(app, sockets, limits);
  guardTheDoor(app, config, sockets, log);
  addRoutes(app, config, limits, sockets);
  await addPage(app, config, log);
  return app;
}

function createFastify(config: GatewayConfig, limits: GatewayLimits, logSink: LogSink | undefined): FastifyInstance {
  const app = Fastify({
    logger: logSink === undefined ? false : { level: "info", base: null, stream: logSink },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: [...config.trustedProxies],
    requestTimeout: limits.httpRequestMs,
    http: { headersTimeout: limits.httpRequestMs },
    bodyLimit: 1024,
    // While the gateway stops, a page that connects is told so over its WebSocket, where it can read it.
    return503OnClosing: false,
  });
  app.server.maxConnections = limits.connectionsMax;
  // Node takes its own listener off a connection that asks for an upgrade. Without another, one that breaks before it is
  // a WebSocket or has been refused would end the process.
  app.server.on("upgrade", (_request, socket) => socket.on("error", () => socket.destroy()));
  return app;
}

async function registerWebsocket(app: FastifyInstance, sockets: Sockets, limits: GatewayLimits): Promise<void> {
  const options = {
    autoPong: false,
    closeTimeout: limits.closeTimeoutMs,
    handleProtocols: () => subprotocol,
    maxBufferedChunks: limits.framePiecesMax,
    maxFragments: limits.fragmentsMax,
    maxPayload: pageFrameBytesMax,
    perMessageDeflate: false,
  };
  await app.register(fastifyWebsocket, {
    options,
    preClose: async () => {
      await sockets.drain();
      app.websocketServer.close();
    },
  });
}

/** Looks at every request before anything else does [G-1]. */
function guardTheDoor(app: FastifyInstance, config: GatewayConfig, sockets: Sockets, log: Log): void {
  let admission: Admission | undefined;
  const refuse = (request: FastifyRequest): Refusal | undefined => {
    admission ??= new Admission(config.host, listeningPort(app), config.origins);
    const refusal = admission.refuseRequest(request.headers);
    if (refusal !== undefined || !request.ws) return refusal;
    if (request.routeOptions.url !== "/ws") return { status: 404, sentence: "WebSockets are at /ws" };
    return admission.refuseUpgrade(request.headers) ?? sockets.refuseUpgrade();
  };
  app.addHook("onRequest", (request, reply, done) => {
    void reply.headers(securityHeaders);
    const refusal = refuse(request);
    if (refusal === undefined) return done();
    log.refused(addressOf(request), refusal.status, refusal.sentence);
    void say(reply, refusal.status, refusal.sentence);
  });
}

function addRoutes(app: FastifyInstance, config: GatewayConfig, limits: GatewayLimits, sockets: Sockets): void {
  const readiness = new Readiness(config.server, limits, config.proxyProtocol ? encodeProxyHeader() : undefined);
  app.route({
    method: "GET",
    url: "/ws",
    handler: (_request, reply) =>
      say(reply.header("upgrade", "websocket"), 426, "this address is for WebSockets; the page is at /"),
    wsHandler: (socket, request) => {
      const preamble = config.proxyProtocol ? proxyHeaderOf(request) : undefined;
      sockets.add(socket, request.raw.socket, addressOf(request), preamble);
    },
  });
  app.get("/healthz", (_request, reply) => say(reply, 200, "ok"));
  app.get("/readyz", async (_request, reply) => {
    const problem = sockets.isDraining ? "the gateway is stopping" : await readiness.check();
    return say(reply, problem === undefined ? 200 : 503, problem ?? "ready");
  });
}

async function addPage(app: FastifyInstance, config: GatewayConfig, log: Log): Promise<void> {
  await app.register(fastifyStatic, {
    root: config.page,
    cacheControl: false,
    dotfiles: "ignore",
    // A page that is not built yet gets a sentence of its own below.
    suppressWarning: true,
    setHeaders: (reply, path) => {
      void reply.header("cache-control", cacheControl(path));
    },
  });
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== "GET" || request.url !== "/")
      return say(reply, 404, "there is nothing here; the page is at /");
    const sentence = `the page is not built: ${config.page} has no index.html; \`npm start\` builds it`;
    return say(reply, 503, sentence);
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { statusCode = 500, message } = error;
    if (statusCode >= 500) log.mistake(error, { url: request.url });
    return say(reply, statusCode, statusCode >= 500 ? "the gateway made a mistake; its log has the details" : message);
  });
}

/** The port on which an app listens, which is the system's choice when the operator's was 0. */
export function listeningPort(app: FastifyInstance): number {
  const address = app.server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}

function say(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply.code(status).header("cache-control", "no-store").type("text/plain; charset=utf-8").send(`${sentence}\n`);
}
