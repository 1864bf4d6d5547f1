/** The check of every request before anything else happens [G-1]. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback } from "@wirebook/net";
import type { GatewayConfig } from "../config.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { PageConnections } from "../websocket/page-connections.ts";
import { addressOf, isFromUnknown, isMisread, trustIn } from "./client-address.ts";
import { listeningPort } from "./http-servers.ts";
import { OriginPolicy } from "./origin-policy.ts";
import type { Refusal } from "./origin-policy.ts";
import { sendText } from "./responses.ts";

/** Milliseconds between two notices that a trusted proxy's X-Forwarded-For is not understood, or it could fill the log. */
const misreadNoticeMs = 60_000;

/** Paths for everybody: a load balancer's plain check, HTTP/1.0 without a Host, must get an answer. */
const healthPaths: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz"]);

/** What the check needs to know, and where it reports. */
export interface AccessControlOptions {
  readonly config: GatewayConfig;
  readonly pages: PageConnections;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Refuses every request that may not come in, with a status and a message. */
export function registerAccessControl(app: FastifyInstance, options: AccessControlOptions): void {
  const { config, pages, log, metrics } = options;
  const isTrusted = trustIn(config.trustedProxies);
  let policy: OriginPolicy | undefined;
  let nextNoticeMs = 0;
  const noticeMisread = (request: FastifyRequest): void => {
    const nowMs = performance.now();
    if (!isMisread(request) || nowMs < nextNoticeMs) return;
    nextNoticeMs = nowMs + misreadNoticeMs;
    log.notice(
      `the X-Forwarded-For header of ${request.raw.socket.remoteAddress} has ${JSON.stringify(request.ip.slice(0, 40))} ` +
        "instead of an address, so the proxy's own address counts; let the proxy send the client's address, with or without a port",
    );
  };
  const refuse = (request: FastifyRequest): Refusal | undefined => {
    const scheme = config.tls === undefined ? "http" : "https";
    policy ??= new OriginPolicy(scheme, config.host, listeningPort(app), config.origins);
    const { headers, raw, routeOptions } = request;
    const hosts = raw.headersDistinct.host?.length ?? 0;
    if (hosts > 1) return { status: 400, reason: "host", message: `${hosts} Host headers; send one` };
    if (hosts === 0 && !request.ws && healthPaths.has(routeOptions.url)) return undefined;
    const refusal = policy.refuseRequest(headers);
    if (refusal !== undefined) return refusal;
    if (request.ws) {
      if (routeOptions.url !== "/ws") return { status: 404, reason: "path", message: "WebSockets are at /ws" };
      return policy.refuseUpgrade(headers) ?? pages.refuseUpgrade();
    }
    if (routeOptions.url !== "/metrics") return undefined;
    const message = isFromUnknown(request, isTrusted)
      ? `/metrics came through a proxy at ${raw.socket.remoteAddress} for an unknown client; ask the gateway itself, or start it ` +
        "with --trust-proxy and the proxy's address and let the proxy send X-Forwarded-For"
      : refuseMetrics(addressOf(request), config, policy.isOwn(headers.host));
    return message === undefined ? undefined : { status: 403, reason: "metrics", message };
  };
  app.addHook("onRequest", (request, reply, done) => {
    noticeMisread(request);
    const refusal = refuse(request);
    if (refusal === undefined) return done();
    metrics.refused(refusal.reason);
    log.refused(addressOf(request), refusal.status, refusal.message);
    void sendText(reply, refusal.status, refusal.message);
  });
}

/**
 * The load of a gateway concerns its operator, not everybody who may open the page. Through a proxy on this machine every
 * client would come from loopback, so loopback must use the gateway's own name as well.
 */
function refuseMetrics(address: string, { metricsFrom }: GatewayConfig, isOwn: boolean): string | undefined {
  if (metricsFrom.includes(address) || (isOwn && isLoopback(address))) return undefined;
  return isLoopback(address)
    ? `/metrics is at the gateway's own address; start it with --metrics-from ${address} to read it by this name`
    : `/metrics is for this machine and the addresses of --metrics-from, not for ${address}`;
}
