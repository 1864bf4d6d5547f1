/**
 * The sockets on which the gateway listens, with or without TLS, and how many connections come over them [G-4]: one for each
 * address of the host (`localhost` has two). A connection too many is closed without a message: none can be sent before TLS
 * and HTTP are set up.
 */

import type http from "node:http";
import type { RequestListener, Server } from "node:http";
import type https from "node:https";
import type { Server as HttpsServer } from "node:https";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { InputError, networkOf, normalizeAddress, readCertificates, readKeyPair } from "@wirebook/net";
import { SettingsError } from "@wirebook/settings";
import { Tally } from "../bounds.ts";
import type { GatewayConfig } from "../config.ts";
import type { GatewayLimits } from "../limits.ts";
import { trustIn } from "./access-control.ts";

// An `import` of node:http reads each of its exports, its WebSocket among them, which loads the whole of fetch: 15 MiB
// that the gateway does not need. A `require` does not.
const require = createRequire(import.meta.url);
const { createServer: createHttpServer } = require("node:http") as typeof http;
const { createServer: createHttpsServer } = require("node:https") as typeof https;

/**
 * Gives what creates the servers of one gateway, and what reads certificate and key again for new connections.
 *
 * @param onRefused called for each connection that was closed because there were too many
 * @throws SettingsError when the certificate or the key cannot be used, also again: then the old ones stay
 */
export function prepareServers(
  config: GatewayConfig,
  limits: GatewayLimits,
  onRefused: (reason: "connections" | "connections-per-address", address: string) => void,
) {
  const isTrusted = trustIn(config.trustProxy);
  const secure = new Set<HttpsServer>();
  const counts = new Tally();
  let tls = readTls(config);
  // Node checks every so often for connections whose time is over, so that much is added.
  const requestMs = limits.httpRequestMs - limits.httpLookMs;
  const times = {
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    keepAliveTimeout: limits.httpKeepAliveMs,
    connectionsCheckingInterval: limits.httpLookMs,
  };

  const createSecure = (pair: TlsPair, handler: RequestListener): Server => {
    // A client without a certificate that holds is told so by a response, which it can show.
    const wanted = pair.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
    const handshake = { handshakeTimeout: limits.httpRequestMs, minVersion: "TLSv1.2" } as const;
    const server = createHttpsServer({ ...times, ...pair, ...wanted, ...handshake }, handler);
    secure.add(server);
    return server;
  };
  const count = (socket: Socket): void => {
    const address = plain(socket.remoteAddress);
    // A proxy brings the connections of many clients.
    if (isTrusted(address)) return;
    const network = networkOf(address);
    counts.add(network, socket);
    if (counts.of(network) <= limits.connectionsPerAddressMax) return;
    onRefused("connections-per-address", address);
    socket.destroy();
  };
  return {
    create: (handler: RequestListener): Server => {
      const server = tls === undefined ? createHttpServer(times, handler) : createSecure(tls, handler);
      server.timeout = limits.httpStalledMs;
      server.maxConnections = limits.connectionsMax;
      server.on("connection", count);
      server.on("drop", (dropped) => onRefused("connections", plain(dropped?.remoteAddress)));
      return server;
    },
    reloadTls: (): void => {
      tls = readTls(config);
      for (const server of secure) server.setSecureContext({ ...tls });
    },
  };
}

function plain(address: string | undefined): string {
  return normalizeAddress(address ?? "") ?? "unknown";
}

/** In PEM form; with the authorities of client certificates, where those are asked for. */
type TlsPair = ReturnType<typeof readKeyPair> & { readonly ca?: Buffer };

/** @throws SettingsError that names the file, and what named it */
export function readTls({ tls, auth, nameOf }: Pick<GatewayConfig, "tls" | "auth" | "nameOf">): TlsPair | undefined {
  if (tls === undefined) return undefined;
  try {
    const pair = readKeyPair(
      { option: nameOf("tlsCert"), path: tls.certPath },
      { option: nameOf("tlsKey"), path: tls.keyPath },
    );
    if (auth?.method !== "client-cert") return pair;
    return { ...pair, ca: readCertificates({ option: nameOf("auth", auth.method), path: auth.caPath }) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new SettingsError(error.message, { cause: error });
  }
}
