/**
 * The check of every request before anything else happens [G-1], the address that a client is known by, and the one that the
 * browser knows the gateway by.
 *
 * A client is known by the peer of the TCP connection, unless the peer is a reverse proxy that the operator trusts: then Fastify takes
 * the address from its `X-Forwarded-For` header. Some proxies write a port behind it, and brackets around IPv6, as in a
 * URL. The address counts for the limits, and is in the log and, on request, in the server's history.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { encodeProxyHeader, isLoopback, normalizeAddress } from "@wirebook/net";
import type { GatewayConfig } from "../config.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { listeningPort } from "./http-servers.ts";
import { OriginPolicy } from "./origin-policy.ts";
import type { Refusal } from "./origin-policy.ts";
import { sendText } from "./static-files.ts";

/** Paths for everybody: a load balancer's plain check, HTTP/1.0 without a Host, must get an answer. */
const healthPaths: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz"]);

/** How the browser sees the gateway. */
export interface PublicAddress {
  readonly isHttps: boolean;
  /** Begins and ends with a slash: `/` or `/wirebook/`. */
  readonly path: string;
}

const prefixCharactersMax = 256;
const prefixForm = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+=:@%-]+)*\/?$/;

/** What the headers and the address of a request mean at one gateway. */
export class AccessControl {
  /** Whether an address is that of a trusted proxy. */
  readonly isTrusted: (address: string) => boolean;
  readonly #app: FastifyInstance;
  readonly #config: GatewayConfig;
  #createdPolicy: OriginPolicy | undefined;

  constructor(app: FastifyInstance, config: GatewayConfig) {
    this.#app = app;
    this.#config = config;
    this.isTrusted = trustIn(config.trustedProxies);
  }

  /** Why a request may not come in; `undefined` where it may. */
  refuse(request: FastifyRequest): Refusal | undefined {
    const policy = this.#policy;
    const { headers, raw, routeOptions } = request;
    const hosts = raw.headersDistinct.host?.length ?? 0;
    if (hosts > 1) return { status: 400, reason: "host", message: `${hosts} Host headers; send one` };
    if (hosts === 0 && !request.ws && healthPaths.has(routeOptions.url)) return undefined;
    const refusal = policy.refuseRequest(headers);
    if (refusal !== undefined) return refusal;
    if (request.ws) return this.#refuseUpgrade(request);
    if (request.method === "POST") return policy.refuseForm(headers);
    return routeOptions.url === "/metrics" ? this.#refuseMetrics(request) : undefined;
  }

  /** True when the client is on this machine, and used the gateway's own name: through a proxy it may be anywhere. */
  isFromHere(request: FastifyRequest): boolean {
    const isOwn = this.#policy.isOwn(request.headers.host);
    return isOwn && isLoopback(addressOf(request)) && !isFromUnknown(request, this.isTrusted);
  }

  /**
   * How the browser that sent a request sees the gateway. A reverse proxy tells by `X-Forwarded-Proto` and
   * `X-Forwarded-Prefix`; one that the operator does not trust is not heard.
   */
  publicAddressOf({ protocol, raw: { socket, headers } }: FastifyRequest): PublicAddress {
    // Where the proxy is trusted, Fastify takes it from X-Forwarded-Proto.
    const isHttps = protocol === "https" || this.#policy.isHttpsAlone(headers.host);
    const prefix = this.isTrusted(socket.remoteAddress ?? "") ? String(headers["x-forwarded-prefix"] ?? "") : "";
    const isPrefix = prefix.length <= prefixCharactersMax && prefixForm.test(prefix);
    return { isHttps, path: isPrefix ? prefix.replace(/\/?$/, "/") : "/" };
  }

  /** Once the gateway listens, whose port is in it. */
  get #policy(): OriginPolicy {
    const { host, tls, origins } = this.#config;
    const scheme = tls === undefined ? "http" : "https";
    return (this.#createdPolicy ??= new OriginPolicy(scheme, host, listeningPort(this.#app), origins));
  }

  #refuseUpgrade(request: FastifyRequest): Refusal | undefined {
    const { headers, routeOptions } = request;
    const { auth, hasRelay, targets } = this.#config;
    if (routeOptions.url === "/ws") return this.#policy.refusePage(headers);
    if (routeOptions.url?.startsWith("/tcp/")) {
      return this.#policy.refuseRelay(headers, this.isFromHere(request) || auth !== undefined);
    }
    const relays = hasRelay ? `; the relay is at ${targets.map(({ name }) => `/tcp/${name}`).join(", ")}` : "";
    return { status: 404, reason: "path", message: `a page's WebSocket is at /ws${relays}` };
  }

  /**
   * The load of a gateway concerns its operator, not everybody who may open the page. Through a proxy on this machine every
   * client would come from loopback, so loopback must use the gateway's own name as well.
   */
  #refuseMetrics(request: FastifyRequest): Refusal | undefined {
    const address = addressOf(request);
    const isKnown = !isFromUnknown(request, this.isTrusted);
    if (isKnown && this.#config.metricsFrom.includes(address)) return undefined;
    if (this.isFromHere(request)) return undefined;
    const message = !isKnown
      ? `/metrics came through a proxy at ${request.raw.socket.remoteAddress} for an unknown client; ask the gateway itself, or start it ` +
        "with --trust-proxy and the proxy's address and let the proxy send X-Forwarded-For"
      : isLoopback(address)
        ? `/metrics is at the gateway's own address; start it with --metrics-from ${address} to read it by this name`
        : `/metrics is for this machine and the addresses of --metrics-from, not for ${address}`;
    return { status: 403, reason: "metrics", message };
  }
}

/** Answers with a refusal, which is counted and logged. */
export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, reason, message, retryAfterMs }: Refusal,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): FastifyReply {
  metrics.refused.inc({ reason });
  log.refused(addressOf(request), status, message);
  if (retryAfterMs !== undefined) void reply.header("retry-after", Math.ceil(retryAfterMs / 1000));
  return sendText(reply, status, message);
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

/** True when a proxy brought the request and the page's address is unknown: the proxy is not trusted, or not understood. */
function isFromUnknown(request: FastifyRequest, isTrusted: (address: string) => boolean): boolean {
  const { headers, socket } = request.raw;
  if (!Object.keys(headers).some((name) => forwardingHeader.test(name))) return false;
  const hasAddress =
    /[^\s,]/.test(String(headers["x-forwarded-for"] ?? "")) && readForwarded(request.ip ?? "") !== undefined;
  return !isTrusted(socket.remoteAddress ?? "") || !hasAddress;
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
