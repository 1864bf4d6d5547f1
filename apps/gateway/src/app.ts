/**
 * The gateway as a Fastify app: which requests it refuses, what it serves, and where a WebSocket goes.
 *
 * Hooks run before an upgrade as before any other request: one that may not connect gets a status there. One for which
 * there is no capacity gets a WebSocket and over it the reason, because a browser would show its page no other [G-10].
 */

import Fastify, { LogController } from "fastify";
import type { FastifyInstance } from "fastify";
import { flowsKeptMax } from "@wirebook/protocol";
import manifest from "../../../package.json" with { type: "json" };
import { Authenticator } from "./auth/authenticator.ts";
import { registerAuthentication } from "./auth/routes.ts";
import type { GatewayConfig } from "./config.ts";
import { FrameLog } from "./flows/frame-log.ts";
import { ListeningPorts } from "./flows/listening-port.ts";
import { Presentations } from "./flows/presentations.ts";
import { Watchers } from "./flows/watcher.ts";
import { AccessControl, addressOf, proxyHeaderOf, sendRefusal, trustIn } from "./http/access-control.ts";
import { registerHealthRoutes } from "./http/health.ts";
import { HttpServers, readTlsPair } from "./http/http-servers.ts";
import type { TlsPair } from "./http/http-servers.ts";
import { registerErrorHandler, registerStaticFiles, securityHeaders } from "./http/static-files.ts";
import { Lessons } from "./lessons/lessons.ts";
import { gatewayLimits } from "./limits.ts";
import type { GatewayLimits } from "./limits.ts";
import { ConnectionPool } from "./streams/connection-pool.ts";
import { createLog } from "./telemetry/access-log.ts";
import type { Log, LogSink } from "./telemetry/access-log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { PcapFile } from "./telemetry/pcap-file.ts";
import { WebSocketConnections } from "./websocket/connections.ts";
import { registerWebSocketRoutes, registerWebSockets } from "./websocket/upgrade.ts";

declare module "fastify" {
  interface FastifyInstance {
    /**
     * Reads certificate and key again, for new connections.
     *
     * @throws SettingsError when they cannot be used; then the old ones stay
     */
    reloadTls(): void;
    /** The ports besides the gateway's own; open once the app is ready. */
    readonly listening: ListeningPorts;
  }
}

/** What an app can be given besides the operator's settings. */
export interface AppOptions {
  /** Where log lines go; without it there is no log. */
  readonly logSink?: LogSink;
  readonly limits?: GatewayLimits;
}

/**
 * Creates a gateway that does not listen yet; closing it drains it.
 *
 * @throws SettingsError when its certificate or key cannot be used
 */
export async function createApp(config: GatewayConfig, options: AppOptions = {}): Promise<FastifyInstance> {
  const { limits = gatewayLimits, logSink } = options;
  const { version } = manifest;
  const targets = new Map(config.targets.map((target) => [target.name, target]));
  const metrics = new Metrics(version);
  const app = createFastify(config, limits, metrics, logSink);
  const log = createLog(app.log);
  registerErrorHandler(app, log);
  const pool = new ConnectionPool(config.connections, limits);
  const capture = config.pcap === undefined ? undefined : openCapture(app, config.pcap, limits, log);
  const access = new AccessControl(app, config);
  const authenticator = new Authenticator(config, limits, log, access.isTrusted);
  const flowLog = new FrameLog({ bytesMax: config.watchBytes, flowsMax: flowsKeptMax });
  const flows = new Watchers(flowLog, () => metrics.watchGaps.inc());
  const presentations = new Presentations(limits, () => metrics.watchGaps.inc());
  app.addHook("onClose", () => presentations.close());
  const listening = new ListeningPorts(config.listens, { allowed: config.allowed, limits, flowLog, log, metrics });
  app.decorate("listening", listening);
  app.addHook("onReady", () => listening.open());
  const connections = new WebSocketConnections(targets, {
    pool,
    lessons: new Lessons(config.hasLessons ?? false, limits),
    flowLog,
    limits,
    log,
    metrics,
    capture,
    version,
    flows,
    presentations,
    listening,
    whyEnded: (identity, usedMs) => authenticator.whyEnded(identity, usedMs),
  });
  metrics.gauge("websockets", "WebSockets that are open", () => connections.count);
  metrics.gauge("streams_running", "streams that have a connection to their target", () => pool.runningCount);
  metrics.gauge("streams_waiting", "streams that wait for one", () => pool.waitingCount);
  metrics.gauge("connections_max", "connections to targets at once", () => pool.slotsMax);
  metrics.gauge("flows_running", "flows through listening ports that run", () => listening.count);
  metrics.gauge("presentations", "presentations that run", () => presentations.count);
  metrics.gauge("watchers", "pages that watch flows or a presentation", () => flows.count + presentations.viewerCount);
  metrics.gauge("flow_bytes_kept", "bytes of flows that are kept for watchers", () => {
    return flowLog.bytesKept + presentations.bytesKept;
  });
  await registerWebSockets(app, limits, config.hasRelay, () => Promise.all([listening.drain(), connections.drain()]));
  app.addHook("onRequest", (request, reply, done) => {
    void reply.headers(securityHeaders);
    const refusal = access.refuse(request);
    if (refusal === undefined) return done();
    void sendRefusal(request, reply, refusal, { log, metrics });
  });
  const closeEnded = (): void => connections.closeEnded();
  await registerAuthentication(app, { authenticator, access, limits, log, metrics, closeEnded });
  app.addHook("onRequest", (request, reply, done) => {
    const refusal = request.ws ? connections.refuseUpgrade(request.identity, addressOf(request)) : undefined;
    if (refusal === undefined) return done();
    void sendRefusal(request, reply, refusal, { log, metrics });
  });
  const wantsProxyHeader = config.targets.some(({ proxy }) => proxy !== undefined);
  registerWebSocketRoutes(app, config.hasRelay ? targets : new Map(), (webSocket, request, relayTarget) => {
    const proxyHeader = wantsProxyHeader ? proxyHeaderOf(request) : undefined;
    const { identity, raw } = request;
    // Without authentication, and also where the operator wants none, only this machine may watch [G-15].
    const mayWatch = authenticator.auth.method !== "none" || access.isFromHere(request);
    const address = addressOf(request);
    connections.add({ webSocket, socket: raw.socket, address, identity, mayWatch, proxyHeader, relayTarget });
  });
  registerHealthRoutes(app, config, limits, connections, metrics);
  await registerStaticFiles(app, config.page);
  return app;
}

function createFastify(
  { tls, auth, trustedProxies }: GatewayConfig,
  limits: GatewayLimits,
  metrics: Metrics,
  logSink: LogSink | undefined,
): FastifyInstance {
  const readTls = (): TlsPair | undefined =>
    tls && readTlsPair(tls, auth?.method === "client-cert" ? auth.caPath : undefined);
  const servers = new HttpServers({
    limits,
    tls: readTls(),
    trustedProxies,
    onRefused: (reason, address) => {
      metrics.refused.inc({ reason });
      createLog(app.log).closed(address, reason);
    },
  });
  const app: FastifyInstance = Fastify({
    logger: logSink === undefined ? false : { level: "info", base: null, stream: logSink },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustIn(trustedProxies),
    serverFactory: (handler) => servers.create(handler),
    bodyLimit: 1024,
    // An address that cannot be decoded would be answered before the hooks, which refuse requests and end upgrades.
    rewriteUrl: ({ url = "" }) => (isDecodable(url) ? url : "/%25"),
    // While the gateway stops, a page that connects is told so over its WebSocket, where it can read it.
    return503OnClosing: false,
  });
  app.decorate("reloadTls", () => {
    const pair = readTls();
    if (pair !== undefined) servers.replaceTls(pair);
  });
  return app;
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url.replace(/\?.*/s, ""));
    return true;
  } catch {
    return false;
  }
}

function openCapture(app: FastifyInstance, path: string, limits: GatewayLimits, log: Log): PcapFile["capture"] {
  const file = new PcapFile(path, `wirebook gateway ${manifest.version}`, limits, (message) => log.notice(message));
  app.addHook("onClose", () => file.close());
  return file.capture;
}
