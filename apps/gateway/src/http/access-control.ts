/** The look at every request before anything else does [G-1]. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback } from "@wirebook/net";
import { OriginPolicy } from "./origin-policy.ts";
import type { Refusal } from "./origin-policy.ts";
import type { GatewayConfig } from "../config.ts";
import { forwardedNoticeMs } from "../limits.ts";
import { listeningPort } from "./listening.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { addressOf, isFromUnknown, isMisread, trustIn } from "./client-address.ts";
import { sendText } from "./send-text.ts";
import type { PageConnections } from "../websocket/page-connections.ts";

/** What the door is told of, and whom it tells. */
export interface DoorShared {
  readonly config: GatewayConfig;
  readonly sockets: PageConnections;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Lets in who may, and answers the others. */
export function registerAccessControl(app: FastifyInstance, { config, sockets, log, metrics }: DoorShared): void {
  const isTrusted = trustIn(config.trustedProxies);
  let policy: OriginPolicy | undefined;
  let noticeFromMs = 0;
  /** Once in a while: whoever sends such a header could fill the log otherwise. */
  const noticeMisread = (request: FastifyRequest): void => {
    const nowMs = performance.now();
    if (!isMisread(request) || nowMs < noticeFromMs) return;
    noticeFromMs = nowMs + forwardedNoticeMs;
    log.notice(
      `the X-Forwarded-For header of ${request.raw.socket.remoteAddress} has ${JSON.stringify(request.ip.slice(0, 40))} where an ` +
        "address should be, so the proxy's own address counts; let the proxy send the client's address, with or without a port",
    );
  };
  const refuse = (request: FastifyRequest): Refusal | undefined => {
    const scheme = config.tls === undefined ? "http" : "https";
    policy ??= new OriginPolicy(scheme, config.host, listeningPort(app), config.origins);
    const { ws, headers, raw, routeOptions } = request;
    const hosts = raw.headersDistinct.host?.length ?? 0;
    if (hosts > 1) return { status: 400, reason: "host", sentence: `${hosts} Host headers came; send one` };
    if (hosts === 0 && !ws && healthPaths.has(routeOptions.url)) return undefined;
    const refusal = policy.refuseRequest(headers);
    if (refusal !== undefined) return refusal;
    if (!ws) {
      if (routeOptions.url !== "/metrics") return undefined;
      if (isFromUnknown(request, isTrusted)) return refuseProxied(request);
      return refuseMetrics(addressOf(request), config, policy.isOwn(headers.host));
    }
    if (request.routeOptions.url !== "/ws") return { status: 404, reason: "path", sentence: "WebSockets are at /ws" };
    return policy.refuseUpgrade(request.headers) ?? sockets.refuseUpgrade();
  };
  app.addHook("onRequest", (request, reply, done) => {
    noticeMisread(request);
    const refusal = refuse(request);
    if (refusal === undefined) return done();
    metrics.refused(refusal.reason);
    log.refused(addressOf(request), refusal.status, refusal.sentence);
    void sendText(reply, refusal.status, refusal.sentence);
  });
}

/** A load balancer's plain check, HTTP/1.0 without a Host, must get an answer, and what these say is for everybody. */
const healthPaths: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz"]);

/**
 * How busy a gateway is concerns its operator, and nobody who may merely open the page. Through a proxy on this machine
 * everybody would come from loopback, so there the gateway's own name is wanted as well.
 */
function refuseMetrics(address: string, { metricsFrom }: GatewayConfig, isOwn: boolean): Refusal | undefined {
  if (metricsFrom.includes(address) || (isOwn && isLoopback(address))) return undefined;
  if (isLoopback(address)) {
    const sentence = `/metrics is read at the gateway's own address; name ${address} with --metrics-from to read it by this name`;
    return { status: 403, reason: "metrics", sentence };
  }
  const sentence = `/metrics is for this machine and the addresses of --metrics-from, not for ${address}`;
  return { status: 403, reason: "metrics", sentence };
}

function refuseProxied({ raw }: FastifyRequest): Refusal {
  const sentence =
    `/metrics came through a proxy at ${raw.socket.remoteAddress}, and for whom is not known; ask the gateway itself, or start it with ` +
    "--trust-proxy and the proxy's address and let that send X-Forwarded-For";
  return { status: 403, reason: "metrics", sentence };
}
