/**
 * The gateway as a Fastify app: who is let in, what is served, and where a WebSocket goes.
 *
 * Hooks run before an upgrade as before any other request: who may not connect at all gets a status there. One for whom
 * there is no room gets a WebSocket and over it the reason, which is all that a browser would show its page [G-10].
 */

import fastifyWebsocket from "@fastify/websocket";
import Fastify, { LogController } from "fastify";
import type { FastifyInstance } from "fastify";
import { describeTarget } from "@wirebook/net";
import { encodeProxyHeader } from "@wirebook/net";
import { pageFrameBytesMax, subprotocol } from "@wirebook/protocol";
import manifest from "../package.json" with { type: "json" };
import type { GatewayConfig } from "./config.ts";
import { registerAccessControl } from "./http/access-control.ts";
import { AccessLog } from "./telemetry/access-log.ts";
import { ConnectionPool } from "./streams/connection-pool.ts";
import { securityHeaders } from "./http/headers.ts";
import { HttpServers } from "./http/http-servers.ts";
import { gatewayLimits } from "./limits.ts";
import type { GatewayLimits } from "./limits.ts";
import { createLog } from "./telemetry/log.ts";
import type { Log, LogSink } from "./telemetry/log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { addPageFiles } from "./http/static-files.ts";
import { PcapFile } from "./telemetry/pcap-file.ts";
import { addressOf, proxyHeaderOf, trustIn } from "./http/client-address.ts";
import { Readiness } from "./http/readiness.ts";
import { sendText } from "./http/send-text.ts";
import { PageConnections } from "./websocket/page-connections.ts";
import { readTlsPair } from "./http/tls.ts";
import { UpgradeRemains } from "./websocket/upgrade-remains.ts";

declare module "fastify" {
  interface FastifyInstance {
    /**
     * Reads certificate and key again, for the connections that come from now on.
     *
     * @throws SettingsError when they cannot be used; then the ones before stay
     */
    reloadTls(): void;
  }
}

/** What may differ from one app to another besides the operator's settings. */
export interface AppOptions {
  /** Where log lines go; nowhere when it is absent. */
  readonly logSink?: LogSink;
  readonly limits?: GatewayLimits;
}

/**
 * Makes a gateway that does not listen yet; closing it drains it.
 *
 * @throws SettingsError when its certificate or key cannot be used
 */
export async function createApp(config: GatewayConfig, options: AppOptions = {}): Promise<FastifyInstance> {
  const { limits = gatewayLimits, logSink } = options;
  const metrics = new Metrics(manifest.version);
  const app = createFastify(config, limits, metrics, logSink);
  const log = createLog(app.log);
  const { server, serverConnections } = config;
  const pcap = config.pcap === undefined ? undefined : openPcap(config.pcap, limits, log);
  if (pcap !== undefined) app.addHook("onClose", () => pcap.close());
  const capture = pcap?.capture;
  const pool = new ConnectionPool(serverConnections, limits);
  const shared = {
    server,
    serverName: describeTarget(server),
    pool,
    accessLog: new AccessLog(metrics, log),
    limits,
    log,
    metrics,
    capture,
    version: manifest.version,
  };
  const sockets = new PageConnections(shared);
  metrics.lookAt(() => ({
    bytes: sockets.bytes,
    webSockets: sockets.count,
    exchangesRunning: pool.runningCount,
    exchangesWaiting: pool.waitingCount,
    serverConnectionsMax: pool.slotsMax,
  }));
  await registerWebsocket(app, sockets, limits);
  app.addHook("onRequest", (_request, reply, done) => {
    void reply.headers(securityHeaders);
    done();
  });
  registerAccessControl(app, { config, sockets, log, metrics });
  addWebsocket(app, config, sockets);
  registerHealthRoutes(app, config, limits, sockets, metrics);
  await addPageFiles(app, config.page, log);
  return app;
}

function createFastify(
  config: GatewayConfig,
  limits: GatewayLimits,
  metrics: Metrics,
  logSink: LogSink | undefined,
): FastifyInstance {
  const { tls, trustedProxies } = config;
  const servers = new HttpServers({
    limits,
    tls: tls && readTlsPair(tls),
    trustedProxies,
    onRefused: (reason, address) => {
      metrics.refused(reason);
      createLog(app.log).closed(address, reason);
    },
  });
  const app: FastifyInstance = Fastify({
    logger: logSink === undefined ? false : { level: "info", base: null, stream: logSink },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustIn(trustedProxies),
    serverFactory: (handler) => servers.create(handler),
    bodyLimit: 1024,
    // While the gateway stops, a page that connects is told so over its WebSocket, where it can read it.
    return503OnClosing: false,
  });
  app.decorate("reloadTls", () => {
    if (tls !== undefined) servers.replaceTls(readTlsPair(tls));
  });
  return app;
}

function openPcap(path: string, limits: GatewayLimits, log: Log): PcapFile {
  return new PcapFile(path, `wirebook gateway ${manifest.version}`, limits, (sentence) => log.notice(sentence));
}

async function registerWebsocket(app: FastifyInstance, sockets: PageConnections, limits: GatewayLimits): Promise<void> {
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

function addWebsocket(app: FastifyInstance, config: GatewayConfig, sockets: PageConnections): void {
  const remains = new UpgradeRemains();
  app.route({
    method: "GET",
    url: "/ws",
    preHandler: (request, reply, done) => {
      remains.note(request, reply);
      done();
    },
    handler: (_request, reply) =>
      sendText(reply.header("upgrade", "websocket"), 426, "this address is for WebSockets; the page is at /"),
    wsHandler: (socket, request) => {
      const proxyHeader = config.proxyProtocol ? proxyHeaderOf(request) : undefined;
      remains.letGo(socket, request);
      sockets.add(socket, request.raw.socket, addressOf(request), proxyHeader);
    },
  });
}

/** What tells an operator's tools how the gateway is. */
function registerHealthRoutes(
  app: FastifyInstance,
  config: GatewayConfig,
  limits: GatewayLimits,
  sockets: PageConnections,
  metrics: Metrics,
): void {
  const readiness = new Readiness(config.server, limits, config.proxyProtocol ? encodeProxyHeader() : undefined);
  app.get("/healthz", (_request, reply) => sendText(reply, 200, "ok"));
  app.get("/readyz", async (_request, reply) => {
    const problem = sockets.isDraining ? "the gateway is stopping" : await readiness.check();
    return sendText(reply, problem === undefined ? 200 : 503, problem ?? "ready");
  });
  app.get("/metrics", async (_request, reply) => {
    void reply.header("cache-control", "no-store").type(metrics.contentType);
    return metrics.text();
  });
}
