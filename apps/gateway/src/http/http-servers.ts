/**
 * The sockets on which the gateway listens, with or without TLS, and how many connections come over them [G-4].
 *
 * There is one for each address of the host (`localhost` has two), so what concerns them stands here and not at Fastify's
 * own. A connection too many is closed without a message: none can be sent before TLS and HTTP are set up.
 */

import type http from "node:http";
import type { RequestListener, Server } from "node:http";
import type https from "node:https";
import type { Server as HttpsServer } from "node:https";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { InputError, networkOf, normalizeAddress, readCertificates, readKeyPair } from "@wirebook/net";
import { SettingsError } from "@wirebook/settings";
import { Tally } from "../bounds.ts";
import type { GatewayLimits } from "../limits.ts";

// An `import` of node:http reads each of its exports, its WebSocket among them, which loads the whole of fetch: 15 MiB
// that the gateway does not need. A `require` does not.
const require = createRequire(import.meta.url);
const { createServer: createHttpServer } = require("node:http") as typeof http;
const { createServer: createHttpsServer } = require("node:https") as typeof https;

/** What differs from one gateway to another. */
export interface HttpServersOptions {
  readonly limits: GatewayLimits;
  readonly tls: TlsPair | undefined;
  /** Addresses of reverse proxies, each of which brings the connections of many clients. */
  readonly trustedProxies: readonly string[];
  /** Called for each connection that was closed because there were too many. */
  onRefused(reason: "connections" | "connections-per-address", address: string): void;
}

/** The servers of one gateway. */
export class HttpServers {
  readonly #options: HttpServersOptions;
  readonly #trusted: ReadonlySet<string>;
  readonly #secure = new Set<HttpsServer>();
  readonly #counts = new Tally();

  constructor(options: HttpServersOptions) {
    this.#options = options;
    this.#trusted = new Set(options.trustedProxies.map((address) => normalizeAddress(address) ?? address));
  }

  /** Creates one that does not listen yet. */
  create(handler: RequestListener): Server {
    const { limits, tls } = this.#options;
    // Node checks every so often for connections whose time is over, so that much is added.
    const requestMs = limits.httpRequestMs - limits.httpLookMs;
    const times = {
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      keepAliveTimeout: limits.httpKeepAliveMs,
      connectionsCheckingInterval: limits.httpLookMs,
    };
    const server = tls === undefined ? createHttpServer(times, handler) : this.#createSecure(tls, times, handler);
    server.timeout = limits.httpStalledMs;
    server.maxConnections = limits.connectionsMax;
    server.on("connection", (socket: Socket) => this.#count(socket));
    server.on("drop", (dropped) => this.#options.onRefused("connections", plain(dropped?.remoteAddress)));
    return server;
  }

  /** New connections get another certificate; those that are open keep theirs. */
  replaceTls(tls: TlsPair): void {
    for (const server of this.#secure) server.setSecureContext({ ...tls });
  }

  #createSecure(tls: TlsPair, times: object, handler: RequestListener): HttpsServer {
    const handshakeTimeout = this.#options.limits.httpRequestMs;
    // A client without a certificate that holds is told so by a response, which it can show.
    const wanted = tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
    const server = createHttpsServer({ ...times, ...tls, ...wanted, handshakeTimeout, minVersion: "TLSv1.2" }, handler);
    this.#secure.add(server);
    return server;
  }

  #count(socket: Socket): void {
    const address = plain(socket.remoteAddress);
    if (this.#trusted.has(address)) return;
    const network = networkOf(address);
    this.#counts.add(network);
    socket.on("close", () => this.#counts.remove(network));
    if (this.#counts.of(network) <= this.#options.limits.connectionsPerAddressMax) return;
    this.#options.onRefused("connections-per-address", address);
    socket.destroy();
  }
}

/** The port on which an app listens, which the system chose when the operator's was 0. */
export function listeningPort(app: FastifyInstance): number {
  const address = app.server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}

function plain(address: string | undefined): string {
  return normalizeAddress(address ?? "") ?? "unknown";
}

/** Where the operator keeps them. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Both as they stand in their files, in PEM form. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** The authorities of client certificates, where those are asked for. */
  readonly ca?: Buffer;
}

/**
 * Reads both and checks that they belong together.
 *
 * @param caPath the file of the authorities of client certificates
 * @throws SettingsError that names the file
 */
export function readTlsPair({ certPath, keyPath }: TlsFiles, caPath?: string): TlsPair {
  try {
    const pair = readKeyPair({ option: "--tls-cert", path: certPath }, { option: "--tls-key", path: keyPath });
    if (caPath === undefined) return pair;
    return { ...pair, ca: readCertificates({ option: "--auth client-cert", path: caPath }) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new SettingsError(error.message, { cause: error });
  }
}
