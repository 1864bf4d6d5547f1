/**
 * The check of every request before anything else happens [G-1], and who a client is: the peer of the TCP connection, unless
 * that is a reverse proxy that the operator trusts; then Fastify takes the address from its `X-Forwarded-For` header.
 *
 * A browser lets any website open a WebSocket to any address, so the Origin header alone tells our page from another one's. A
 * website can also let its own name resolve to 127.0.0.1 (DNS rebinding); then that name is in the Host header. Both are
 * compared character by character with a list: nothing is parsed, so nothing can be parsed differently.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { describeHostPort, encodeProxyHeader, isLoopback, normalizeAddress } from "@wirebook/net";
import { subprotocol } from "@wirebook/protocol";
import type { GatewayConfig } from "../config.ts";
import type { RefusalReason } from "../telemetry/metrics.ts";

/** Why a request is refused, and with which HTTP status. */
export interface Refusal {
  readonly status: number;
  readonly reason: RefusalReason;
  readonly message: string;
  /** When to try again, where that helps. */
  readonly retryAfterMs?: number;
}

/** Answers with a refusal, which is counted and logged. */
export type Refuse = (request: FastifyRequest, reply: FastifyReply, refusal: Refusal) => FastifyReply;

/** RFC 9110, section 7.2: a host of RFC 3986, section 3.2.2, and perhaps a port. */
const hostForm = /^(?:\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d*)?$/i;

export class OriginPolicy {
  readonly #ownHosts: ReadonlySet<string>;
  readonly #ownOrigins: ReadonlySet<string>;
  readonly #namedHosts: ReadonlySet<string>;
  readonly #namedOrigins: ReadonlySet<string>;

  /** @param origins what `--origin` named, each exactly as a browser writes it */
  constructor(scheme: "http" | "https", host: string, port: number, origins: readonly string[]) {
    const own = namesOf(host).map((name) => describeHostPort({ host: name.toLowerCase(), port }));
    // A browser leaves out the port that its scheme implies.
    if (port === (scheme === "https" ? 443 : 80)) own.push(...own.map((name) => name.slice(0, -`:${port}`.length)));
    this.#ownHosts = new Set(own);
    this.#ownOrigins = new Set(own.map((name) => `${scheme}://${name}`));
    this.#namedHosts = new Set(origins.map((origin) => new URL(origin).host));
    this.#namedOrigins = new Set(origins);
  }

  /** True for a name of the gateway where it listens. */
  isOwn(host = ""): boolean {
    return this.#ownHosts.has(host.toLowerCase());
  }

  /** True when the pages of a host come over https, and of none over http. */
  isHttpsAlone(host = ""): boolean {
    const [http, https] = ["http", "https"].map((scheme) => {
      const origin = `${scheme}://${host.toLowerCase()}`;
      return this.#ownOrigins.has(origin) || this.#namedOrigins.has(origin);
    });
    return https === true && http === false;
  }

  refuseHost(host?: string): Refusal | undefined {
    if (this.isOwn(host) || this.#namedHosts.has(host?.toLowerCase() ?? "")) return undefined;
    const status = host === undefined || hostForm.test(host) ? 403 : 400;
    const message = `this gateway does not serve the host ${quote(host ?? "")}; ${this.#advice}`;
    return { status, reason: "host", message };
  }

  /**
   * A proxy may have put the gateway's own name into Host, so the origins that the operator named go with each. A page of the
   * gateway's own name goes with that alone: elsewhere that name is another machine's.
   */
  refuseOrigin(host: string | undefined, origin = ""): Refusal | undefined {
    if (this.#namedOrigins.has(origin) || (this.isOwn(host) && this.#ownOrigins.has(origin))) return undefined;
    const message = `pages of the Origin ${quote(origin)} may not connect; ${this.#advice}`;
    return { status: 403, reason: "origin", message };
  }

  get #advice(): string {
    const [example] = [...this.#ownOrigins, ...this.#namedOrigins];
    return `open ${example}, or start the gateway with --origin and the address that you use`;
  }
}

/** "Every address" is none that a browser opens. */
function namesOf(host: string): string[] {
  if (host === "0.0.0.0" || host === "::") return [];
  return isLoopback(host) ? [host, "127.0.0.1", "localhost", "::1"] : [host];
}

function quote(header: string): string {
  return JSON.stringify(header.slice(0, 40));
}

/** Paths for everybody: a load balancer's plain check, HTTP/1.0 without a Host, must get an answer. */
const healthPaths: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz"]);

export class AccessControl {
  readonly isTrusted: (address: string) => boolean;
  readonly #app: FastifyInstance;
  readonly #config: GatewayConfig;
  #createdPolicy: OriginPolicy | undefined;

  constructor(app: FastifyInstance, config: GatewayConfig) {
    this.#app = app;
    this.#config = config;
    this.isTrusted = trustIn(config.trustProxy);
  }

  refuse(request: FastifyRequest): Refusal | undefined {
    const { headers, method, raw, routeOptions, ws } = request;
    const hosts = raw.headersDistinct.host?.length ?? 0;
    if (hosts > 1) return { status: 400, reason: "host", message: `${hosts} Host headers; send one` };
    if (hosts === 0 && !ws && healthPaths.has(routeOptions.url)) return undefined;
    const refusal = this.#policy.refuseHost(headers.host);
    if (refusal !== undefined) return refusal;
    if (ws) return this.#refuseUpgrade(request);
    // A browser says from which page a form was sent; a program need not.
    if (method === "POST" && headers.origin !== undefined)
      return this.#policy.refuseOrigin(headers.host, headers.origin);
    return routeOptions.url === "/metrics" ? this.#refuseMetrics(request) : undefined;
  }

  /** True when the client is on this machine, and used the gateway's own name: through a proxy it may be anywhere. */
  isFromHere(request: FastifyRequest): boolean {
    return this.#policy.isOwn(request.headers.host) && isLoopback(addressOf(request)) && !this.#isFromUnknown(request);
  }

  /** True when the browser speaks https. Fastify hears a trusted proxy's `X-Forwarded-Proto`. */
  isHttps({ protocol, headers }: FastifyRequest): boolean {
    return protocol === "https" || this.#policy.isHttpsAlone(headers.host);
  }

  /** Once the gateway listens, whose port is in it. */
  get #policy(): OriginPolicy {
    const { host, tls, origin } = this.#config;
    const scheme = tls === undefined ? "http" : "https";
    return (this.#createdPolicy ??= new OriginPolicy(scheme, host, listeningPort(this.#app), origin));
  }

  #refuseUpgrade(request: FastifyRequest): Refusal | undefined {
    const { headers, routeOptions } = request;
    const { url } = routeOptions;
    if (url !== "/ws" && url?.startsWith("/tcp/") !== true) {
      const message = "a page's WebSocket is at /ws, and with --relay there is /tcp/NAME";
      return { status: 404, reason: "path", message };
    }
    const isRelay = url !== "/ws";
    // A browser always sends an Origin, so a client without one is a program [G-13].
    const isProgram = isRelay && headers.origin === undefined;
    if (isProgram && (this.isFromHere(request) || this.#config.auth !== undefined)) return undefined;
    const refusal = this.#policy.refuseOrigin(headers.host, headers.origin);
    if (refusal !== undefined || isRelay) return refusal;
    const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
    if (offered?.includes(subprotocol) === true) return undefined;
    return { status: 400, reason: "subprotocol", message: `request the WebSocket subprotocol ${subprotocol}` };
  }

  /** Through a proxy on this machine every client would come from loopback, so loopback must use the gateway's own name. */
  #refuseMetrics(request: FastifyRequest): Refusal | undefined {
    const address = addressOf(request);
    const isNamed = this.#config.metricsFrom.includes(address) && !this.#isFromUnknown(request);
    if (isNamed || this.isFromHere(request)) return undefined;
    const message =
      `/metrics is for the addresses of --metrics-from and, at the gateway's own address, for this machine, not for ${address}; ` +
      "a proxy needs --trust-proxy and must send X-Forwarded-For";
    return { status: 403, reason: "metrics", message };
  }

  /** True when a proxy brought the request, and is not trusted or not understood. */
  #isFromUnknown({ ip, raw: { headers, socket } }: FastifyRequest): boolean {
    if (!Object.keys(headers).some((name) => forwardingHeader.test(name))) return false;
    const hasAddress = /[^\s,]/.test(String(headers["x-forwarded-for"] ?? "")) && readForwarded(ip ?? "") !== undefined;
    return !this.isTrusted(socket.remoteAddress ?? "") || !hasAddress;
  }
}

/** The port on which an app listens, which the system chose when the operator's was 0. */
export function listeningPort(app: FastifyInstance): number {
  const address = app.server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}

/** Of a request that came through a proxy (RFC 7239, RFC 9110 section 7.6.3, and what is usual). */
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

/** The PROXY header for the page's connection, to be sent before each of its messages [W-20]. */
export function proxyHeaderOf(request: FastifyRequest): Uint8Array {
  const { remoteAddress, remotePort, localAddress, localPort } = request.raw.socket;
  // A connection that is already closed has no addresses.
  if (remoteAddress === undefined || localAddress === undefined) return encodeProxyHeader();
  const address = addressOf(request);
  // A reverse proxy does not pass on the client's port.
  const port = address === normalizeAddress(remoteAddress) ? (remotePort ?? 0) : 0;
  return encodeProxyHeader({ source: { address, port }, destination: { address: localAddress, port: localPort ?? 0 } });
}
