/**
 * How the browser sees the gateway: over https or not, and under which path.
 *
 * A reverse proxy tells by `X-Forwarded-Proto` and `X-Forwarded-Prefix`; one that the operator does not trust is not heard.
 */

import type { FastifyRequest } from "fastify";

/** Characters of a path before the gateway's own. */
const prefixCharactersMax = 256;

const prefixForm = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+=:@%-]+)*\/?$/;

/** How the browser sees the gateway. */
export interface PublicAddress {
  readonly isHttps: boolean;
  /** Begins and ends with a slash: `/` or `/wirebook/`. */
  readonly path: string;
}

/**
 * How the browser that sent a request sees the gateway.
 *
 * @param isHttpsAlone true when pages of the request's host come over https, and by no `--origin` over http
 */
export function publicAddressOf(
  request: FastifyRequest,
  isTrusted: (address: string) => boolean,
  isHttpsAlone: boolean,
): PublicAddress {
  // Where the proxy is trusted, Fastify takes it from X-Forwarded-Proto.
  const isHttps = isHttpsAlone || request.protocol === "https";
  const { socket, headers } = request.raw;
  const prefix = isTrusted(socket.remoteAddress ?? "") ? String(headers["x-forwarded-prefix"] ?? "") : "";
  const isPrefix = prefix.length <= prefixCharactersMax && prefixForm.test(prefix);
  return { isHttps, path: isPrefix ? prefix.replace(/\/?$/, "/") : "/" };
}
