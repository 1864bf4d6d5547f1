/**
 * The check of every request before anything else happens [G-1], and the address that a client is known by.
 *
 * That is the peer of the TCP connection, unless the peer is a reverse proxy that the operator trusts: then Fastify takes
 * the address from its `X-Forwarded-For` header. Some proxies write a port behind it, and brackets around IPv6, as in a
 * URL. The address counts for the limits, and is in the log and, on request, in the server's history.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { encodeProxyHeader, isLoopback, normalizeAddress } from "@wirebook/net";
import type { GatewayConfig } from "../config.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { listeningPort } from "./http-servers.ts";
import { OriginPolicy, quote } from "./origin-policy.ts";
import type { Refusal } from "./origin-policy.ts";
import { sendText } from "./static-files.ts";

/** Milliseconds between two notices that a trusted proxy's X-Forwarded-For is not understood, or it could fill the log. */
const misreadNoticeMs = 60_000;

/** Paths for everybody: a load balancer's plain check, HTTP/1.0 without a Host, must get an answer. */
const healthPaths: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz"]);

/** What the check needs to know, and where it reports. */
export interface AccessControlOptions {
  readonly config: GatewayConfig;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Refuses every request that may not come in, with a status and a message.
 *
 * @returns what gives its rules, which exist once the gateway listens
 */
export function registerAccessControl(app: FastifyInstance, options: AccessControlOptions): () => OriginPolicy {
  const { config, log } = options;
  const isTrusted = trustIn(config.trustedProxies);
  let created: OriginPolicy | undefined;
  const scheme = config.tls === undefined ? "http" : "https";
  const policyOf = (): OriginPolicy =>
    (created ??= new OriginPolicy(scheme, config.host, listeningPort(app), config.origins));
  let nextNoticeMs = 0;
  const noticeMisread = (request: FastifyRequest): void => {
    const nowMs = performance.now();
    if (!isMisread(request) || nowMs < nextNoticeMs) return;
    nextNoticeMs = nowMs + misreadNoticeMs;
    log.notice(
      `the X-Forwarded-For header of ${request.raw.socket.remoteAddress} has ${quote(request.ip)} ` +
        "instead of an address, so the proxy's own address counts; let the proxy send the client's address, with or without a port",
    );
  };
  const refuse = (request: FastifyRequest): Refusal | undefined => {
    const policy = policyOf();
    const { headers, raw, routeOptions } = request;
    const hosts = raw.headersDistinct.host?.length ?? 0;
    if (hosts > 1) return { status: 400, reason: "host", message: `${hosts} Host headers; send one` };
    if (hosts === 0 && !request.ws && healthPaths.has(routeOptions.url)) return undefined;
    const refusal = policy.refuseRequest(headers);
    if (refusal !== undefined) return refusal;
    if (request.ws) return refuseUpgrade(request, policy);
    if (request.method === "POST") return policy.refuseForm(headers);
    if (routeOptions.url !== "/metrics") return undefined;
    const message = isFromUnknown(request, isTrusted)
      ? `/metrics came through a proxy at ${raw.socket.remoteAddress} for an unknown client; ask the gateway itself, or start it ` +
        "with --trust-proxy and the proxy's address and let the proxy send X-Forwarded-For"
      : refuseMetrics(addressOf(request), config, policy.isOwn(headers.host));
    return message === undefined ? undefined : { status: 403, reason: "metrics", message };
  };
  const refuseUpgrade = (request: FastifyRequest, origins: OriginPolicy): Refusal | undefined => {
    const { headers, routeOptions } = request;
    if (routeOptions.url === "/ws") return origins.refusePage(headers);
    if (routeOptions.url?.startsWith("/tcp/")) {
      return origins.refuseRelay(headers, isFromHere(request, origins, isTrusted) || config.auth !== undefined);
    }
    const relays = config.hasRelay
      ? `; the relay is at ${config.targets.map(({ name }) => `/tcp/${name}`).join(", ")}`
      : "";
    return { status: 404, reason: "path", message: `a page's WebSocket is at /ws${relays}` };
  };
  app.addHook("onRequest", (request, reply, done) => {
    noticeMisread(request);
    const refusal = refuse(request);
    if (refusal === undefined) return done();
    void sendRefusal(request, reply, refusal, options);
  });
  return policyOf;
}

/** Answers with a refusal, which is counted and logged. */
export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, reason, message, retryAfterMs }: Refusal,
  { log, metrics }: Pick<AccessControlOptions, "log" | "metrics">,
): FastifyReply {
  metrics.refused(reason);
  log.refused(addressOf(request), status, message);
  if (retryAfterMs !== undefined) void reply.header("retry-after", Math.ceil(retryAfterMs / 1000));
  return sendText(reply, status, message);
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

/** A header of a request that came through a proxy (RFC 7239, RFC 9110 section 7.6.3, and what is usual). */
const forwardingHeader =
  /^(?:forwarded|via|x-forwarded-.*|x-original-forwarded-for|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/;

/** An address as a proxy writes it, without port and brackets; `undefined` when it is none. */
function readForwarded(text: string): string | undefined {
  const [, six, four] = /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+)$/.exec(text) ?? [];
  return normalizeAddress(six ?? four ?? text);
}

/** For Fastify: whether an address of the chain in `X-Forwarded-For` is that of a trusted proxy. */
export function trustIn(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new Set(proxies.map((address) => normalizeAddress(address) ?? address));
  return (address) => trusted.has(readForwarded(address) ?? "");
}

/** The page's address. Text of a proxy that is not an address is ignored. */
export function addressOf({ ip, raw }: FastifyRequest): string {
  return readForwarded(ip ?? "") ?? normalizeAddress(raw.socket.remoteAddress ?? "") ?? "unknown";
}

/** True when a trusted proxy's `X-Forwarded-For` has something else where the page's address should be. */
function isMisread({ ip }: FastifyRequest): boolean {
  return ip !== undefined && readForwarded(ip) === undefined;
}

/** True when a proxy brought the request and the page's address is unknown: the proxy is not trusted, or not understood. */
function isFromUnknown(request: FastifyRequest, isTrusted: (address: string) => boolean): boolean {
  const { headers, socket } = request.raw;
  if (!Object.keys(headers).some((name) => forwardingHeader.test(name))) return false;
  const hasAddress = /[^\s,]/.test(String(headers["x-forwarded-for"] ?? "")) && !isMisread(request);
  return !isTrusted(socket.remoteAddress ?? "") || !hasAddress;
}

/** True when the client is on this machine, and used the gateway's own name: through a proxy it may be anywhere. */
export function isFromHere(
  request: FastifyRequest,
  policy: OriginPolicy,
  isTrusted: (address: string) => boolean,
): boolean {
  return policy.isOwn(request.headers.host) && isLoopback(addressOf(request)) && !isFromUnknown(request, isTrusted);
}

/** The PROXY header for the page's connection, to be sent before each of its messages [W-20]. */
export function proxyHeaderOf(request: FastifyRequest): Uint8Array {
  const { remoteAddress, remotePort, localAddress, localPort } = request.raw.socket;
  // A connection that is already closed has no addresses.
  if (remoteAddress === undefined || localAddress === undefined) return encodeProxyHeader();
  const address = addressOf(request);
  // A reverse proxy does not pass on the client's port.
  const port = address === normalizeAddress(remoteAddress) ? remotePort : undefined;
  return encodeProxyHeader({
    source: { address, port: port ?? 0 },
    destination: { address: localAddress, port: localPort ?? 0 },
  });
}
