/**
 * The built page as files, what is answered where there is no file, and what every response has in common.
 *
 * The page may run its own scripts and speak to its own gateway, and nothing else: no inline script or style runs, and markup
 * is made only by Svelte's own templates, whose Trusted Types policy is the one that may be created.
 */

import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Log } from "../telemetry/access-log.ts";

export const contentSecurityPolicy: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html",
].join("; ");

/** The headers of every response. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Features that the page never needs.
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  // With `no-referrer` a browser would say `Origin: null` when a form of the page is sent.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

export function sendText(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).header("cache-control", "no-store").type("text/plain; charset=utf-8").send(`${message}\n`);
}

/** Answers an error with its sentence. Call it before the routes are added, since each keeps the handler that it finds. */
export function registerErrorHandler(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { statusCode = 500, message } = error;
    if (statusCode < 500) return sendText(reply, statusCode, message);
    log.internalError(error, { url: request.url });
    return sendText(reply, statusCode, "internal error in the gateway; see its log");
  });
}

/** Where the page is for those who hold the link of a presentation, with its token behind a `#`: it needs no login [G-16]. */
export const guestPath = "/guest";

export async function registerStaticFiles(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    cacheControl: false,
    dotfiles: "ignore",
    // A page that is not built yet gets a message of its own below.
    suppressWarning: true,
    setHeaders: (reply, path) => {
      // Vite puts a hash of the content into the names under `assets/`.
      const isHashed = /[\\/]assets[\\/][^\\/]+$/.test(path);
      void reply.header("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  app.get(guestPath, (_request, reply) => reply.sendFile("index.html"));
  app.setNotFoundHandler(({ method, url }, reply) => {
    if (method !== "GET" || (url !== "/" && url !== guestPath))
      return sendText(reply, 404, "not found; the page is at /");
    return sendText(reply, 503, `the page is not built: ${folder} has no index.html; run \`npm start\` to build it`);
  });
}
