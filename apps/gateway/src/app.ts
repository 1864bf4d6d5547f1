/**
 * The gateway as a Fastify app: which requests it refuses, what it serves, and where a WebSocket goes. Hooks run before an
 * upgrade as before any other request: one that may not connect gets a status there.
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
import { AccessControl, addressOf, proxyHeaderOf, trustIn, type Refuse } from "./http/access-control.ts";
import { registerHealthRoutes } from "./http/health.ts";
import { prepareServers } from "./http/http-servers.ts";
import { registerErrorHandler, registerStaticFiles, securityHeaders, sendText } from "./http/static-files.ts";
import { Lessons } from "./lessons/lessons.ts";
import { gatewayLimits, type GatewayLimits } from "./limits.ts";
import { ConnectionPool } from "./streams/connection-pool.ts";
import { createLog, type LogSink } from "./telemetry/access-log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { openPcapFile } from "./telemetry/pcap-file.ts";
import { WebSocketConnections } from "./websocket/connections.ts";
import { registerWebSocketRoutes, registerWebSockets } from "./websocket/upgrade.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Reads certificate and key again, for new connections. @throws SettingsError; then the old ones stay */
    reloadTls(): void;
    /** The ports besides the gateway's own; open once the app is ready. */
    readonly listening: ListeningPorts;
  }
}

/** A gateway that does not listen yet; closing it drains it. @throws SettingsError when a file cannot be used */
export async function createApp(
  config: GatewayConfig,
  { logSink, limits = gatewayLimits }: { readonly logSink: LogSink; readonly limits?: GatewayLimits },
): Promise<FastifyInstance> {
  const { version } = manifest;
  const metrics = new Metrics(version);
  const servers = prepareServers(config, limits, (reason, address) => {
    metrics.refused.inc({ reason });
    log.closed(address, reason);
  });
  const app: FastifyInstance = Fastify({
    logger: { level: "info", base: null, stream: logSink },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustIn(config.trustProxy),
    serverFactory: servers.create,
    bodyLimit: 1024,
    // An address that cannot be decoded would be answered before the hooks, which refuse requests and end upgrades.
    rewriteUrl: ({ url = "" }) => (isDecodable(url) ? url : "/%25"),
    // While the gateway stops, a page that connects is told so over its WebSocket, where it can read it.
    return503OnClosing: false,
  });
  const log = createLog(app.log);
  app.decorate("reloadTls", servers.reloadTls);
  registerErrorHandler(app, log);
  const access = new AccessControl(app, config);
  const refuse: Refuse = (request, reply, { status, reason, message, retryAfterMs }) => {
    metrics.refused.inc({ reason });
    log.refused(addressOf(request), status, message);
    if (retryAfterMs !== undefined) void reply.header("retry-after", Math.ceil(retryAfterMs / 1000));
    return sendText(reply, status, message);
  };

  const targets = new Map(config.targets.map((target) => [target.name, target]));
  const pool = new ConnectionPool(config.connections, limits);
  const pcap = config.pcap && openPcapFile(config.pcap, `wirebook gateway ${version}`, limits, log.notice);
  if (pcap) app.addHook("onClose", () => pcap.close());
  const authenticator = new Authenticator(config, limits, log, access.isTrusted);
  const onGap = (): void => metrics.watchGaps.inc();
  const flowLog = new FrameLog(config.watchMemory * 1024 * 1024, flowsKeptMax, onGap);
  const presentations = new Presentations(limits, onGap);
  app.addHook("onClose", () => presentations.close());
  const listening = new ListeningPorts(config.allow, { limits, flowLog, log, metrics });
  app.decorate("listening", listening);
  app.addHook("onReady", () => listening.open(config.listens, config.nameOf));
  const connections = new WebSocketConnections({
    targets,
    pool,
    lessons: new Lessons(config.lessons, limits),
    flowLog,
    limits,
    log,
    metrics,
    capture: pcap ? pcap.capture : undefined,
    version,
    presentations,
    listening,
    whyEnded: (identity, usedMs) => authenticator.whyEnded(identity, usedMs),
  });
  metrics.gauge("websockets", "WebSockets that are open", () => connections.count);
  metrics.gauge("streams_running", "streams that have a connection to their target", () => pool.runningCount);
  metrics.gauge("streams_waiting", "streams that wait for one", () => pool.waitingCount);
  metrics.gauge("connections_max", "connections to targets at once", () => pool.slotsMax);
  metrics.gauge("flows_running", "flows through listening ports that run", () => listening.count);
  metrics.gauge("presentations", "presentations that run", () => presentations.all.length);
  const sumOf = (look: (log: FrameLog) => number): number =>
    [flowLog, ...presentations.all].reduce((sum, each) => sum + look(each), 0);
  metrics.gauge("watchers", "pages that watch flows or a presentation", () => sumOf(({ viewers }) => viewers.length));
  metrics.gauge("flow_bytes_kept", "bytes of flows that are kept", () => sumOf(({ bytesKept }) => bytesKept));

  await registerWebSockets(app, limits, config.relay, () => Promise.all([listening.drain(), connections.drain()]));
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(securityHeaders);
    const refusal = access.refuse(request);
    return refusal && refuse(request, reply, refusal);
  });
  const closeEnded = (): void => connections.closeEnded();
  await registerAuthentication(app, { authenticator, access, refuse, limits, log, metrics, closeEnded });
  app.addHook("onRequest", async (request, reply) => {
    const refusal = request.ws ? connections.refuseUpgrade(request.identity, addressOf(request)) : undefined;
    return refusal && refuse(request, reply, refusal);
  });
  const wantsProxyHeader = config.targets.some(({ proxy }) => proxy !== undefined);
  registerWebSocketRoutes(app, config.relay ? targets : new Map(), (webSocket, request, relayTarget) => {
    const proxyHeader = wantsProxyHeader ? proxyHeaderOf(request) : undefined;
    const { identity, raw } = request;
    // Without authentication, and also where the operator wants none, only this machine may watch [G-15].
    const mayWatch = authenticator.auth.method !== "none" || access.isFromHere(request);
    const address = addressOf(request);
    connections.add({ webSocket, socket: raw.socket, address, identity, mayWatch, proxyHeader }, relayTarget);
  });
  registerHealthRoutes(app, targets.get("wirebook"), limits, metrics, () => connections.isDraining);
  await registerStaticFiles(app, config.page);
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
