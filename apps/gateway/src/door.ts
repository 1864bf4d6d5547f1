/** The look at every request before anything else does [G-1]. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { Admission } from "./admission.ts";
import type { Refusal } from "./admission.ts";
import type { GatewayConfig } from "./config.ts";
import { isLoopback } from "@wirebook/settings";
import { listeningPort } from "./listening.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { addressOf } from "./page-peer.ts";
import { say } from "./say.ts";
import type { Sockets } from "./sockets.ts";

/** What the door is told of, and whom it tells. */
export interface DoorShared {
  readonly config: GatewayConfig;
  readonly sockets: Sockets;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Lets in who may, and answers the others. */
export function guardTheDoor(app: FastifyInstance, { config, sockets, log, metrics }: DoorShared): void {
  let admission: Admission | undefined;
  const refuse = (request: FastifyRequest): Refusal | undefined => {
    const scheme = config.tls === undefined ? "http" : "https";
    admission ??= new Admission(scheme, config.host, listeningPort(app), config.origins);
    const refusal = admission.refuseRequest(request.headers);
    if (refusal !== undefined) return refusal;
    if (!request.ws)
      return request.routeOptions.url === "/metrics" ? refuseMetrics(addressOf(request), config) : undefined;
    if (request.routeOptions.url !== "/ws") return { status: 404, reason: "path", sentence: "WebSockets are at /ws" };
    return admission.refuseUpgrade(request.headers) ?? sockets.refuseUpgrade();
  };
  app.addHook("onRequest", (request, reply, done) => {
    const refusal = refuse(request);
    if (refusal === undefined) return done();
    metrics.refused(refusal.reason);
    log.refused(addressOf(request), refusal.status, refusal.sentence);
    void say(reply, refusal.status, refusal.sentence);
  });
}

/** How busy a gateway is concerns its operator, and nobody who may merely open the page. */
function refuseMetrics(address: string, { metricsFrom }: GatewayConfig): Refusal | undefined {
  if (isLoopback(address) || metricsFrom.includes(address)) return undefined;
  const sentence = `/metrics is for this machine and the addresses of --metrics-from, not for ${address}`;
  return { status: 403, reason: "metrics", sentence };
}
