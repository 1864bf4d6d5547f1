/**
 * Authentication in front of every route but the operator's own. A browser cannot show its page why a WebSocket was refused, so
 * a page without a session gets one, and is told over it to log in. Redirects are relative: the path may be a proxy's.
 */

import fastifyCookie from "@fastify/cookie";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { SettingsError } from "@wirebook/settings";
import { addressOf, type AccessControl, type Refusal, type Refuse } from "../http/access-control.ts";
import { guestPath, sendText } from "../http/static-files.ts";
import type { GatewayLimits } from "../limits.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Authenticator } from "./authenticator.ts";
import { describeForbidden, guest, isRefusal, mayUseTargets, type Identity } from "./identity.ts";
import { sendLoginPage } from "./login-page.ts";
import type { Passwords } from "./passwords.ts";
import type { Session } from "./sessions.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who sent it; `null` for an open path, and for a page that must log in. */
    identity: Identity | null;
  }
}

interface AuthenticationOptions {
  readonly authenticator: Authenticator;
  readonly limits: GatewayLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly access: AccessControl;
  readonly refuse: Refuse;
  /** Closes the WebSockets of people who may not stay. */
  readonly closeEnded: () => void;
}

/** They need no authentication: two have it as their purpose, the others tell nothing of users. */
const openPaths = new Set(["/login", "/logout", "/healthz", "/readyz", "/metrics", guestPath]);

/** Lets in who has authenticated. */
export async function registerAuthentication(app: FastifyInstance, options: AuthenticationOptions): Promise<void> {
  const { authenticator, access, refuse } = options;
  const { passwords } = authenticator;
  app.decorateRequest("identity", null);
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) =>
    done(null, new URLSearchParams(String(body))),
  );
  if (passwords !== undefined) await app.register(fastifyCookie);
  app.addHook("onRequest", async (request, reply) => {
    if (openPaths.has(request.routeOptions.url ?? "") || isAsset(request)) return;
    const isGuest = request.ws && request.url === "/ws?guest";
    const found = isGuest ? guest : await authenticator.authenticate(request, cookieOf(request, access));
    if (isRefusal(found)) return deny(request, reply, found);
    request.identity = found;
    if (mayUseTargets(found.role) || !isRelay(request)) return;
    return refuse(request, reply, { status: 403, reason: "role", message: describeForbidden(found) });
  });
  const deny = (request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply | undefined => {
    if (passwords !== undefined && request.headers.authorization === undefined) {
      if (request.ws && !isRelay(request)) return undefined;
      if (isNavigation(request)) return reply.redirect(`login${queryOf(request)}`, 303);
    }
    if (refusal.status === 401) void reply.header("www-authenticate", challengeFor(request));
    return refuse(request, reply, refusal);
  };
  if (passwords !== undefined) registerPasswords(app, passwords, options);
  else if (authenticator.auth.method !== "none") {
    const message = "not the gateway but its proxy, or your certificate, logs you in; log out there";
    app.post("/logout", (_request, reply) => sendText(reply, 200, message));
  }
}

function isRelay({ routeOptions, ws }: FastifyRequest): boolean {
  return ws && routeOptions.url?.startsWith("/tcp/") === true;
}

/** A file that the page needs before a login: it is the same in every gateway. */
function isAsset({ method, url, ws }: FastifyRequest): boolean {
  return !ws && (method === "GET" || method === "HEAD") && /^\/(?:assets\/[\w.-]+|favicon\.svg)$/.test(url);
}

/** Deeper down, a relative redirect would lead elsewhere. */
function isNavigation({ method, url, headers, ws }: FastifyRequest): boolean {
  return !ws && method === "GET" && /^\/[^/]*(?:\?|$)/.test(url) && /text\/html/.test(headers.accept ?? "");
}

/** A browser that meets Basic asks for the password itself, and remembers it beyond any logout. So only programs do. */
function challengeFor(request: FastifyRequest): string {
  const { authorization, origin } = request.headers;
  const isProgram = authorization !== undefined || (isRelay(request) && origin === undefined);
  return isProgram ? 'Basic realm="Wirebook", charset="UTF-8"' : 'Login realm="Wirebook"';
}

function queryOf({ url }: FastifyRequest): string {
  return /\?.*$/s.exec(url)?.[0] ?? "";
}

/** The prefix makes a browser refuse the cookie from anywhere but this host over https (RFC 6265bis, section 4.1.3). */
function cookieName(isHttps: boolean): string {
  return isHttps ? "__Host-wirebook" : "wirebook";
}

function cookieOf(request: FastifyRequest, access: AccessControl): string | undefined {
  return request.cookies?.[cookieName(access.isHttps(request))];
}

function registerPasswords(app: FastifyInstance, passwords: Passwords, options: AuthenticationOptions): void {
  const { access, log, metrics, limits, closeEnded } = options;
  const { sessions, users } = passwords;
  const sessionOf = (request: FastifyRequest): Session | undefined => sessions.decode(cookieOf(request, access));

  /** Sets the cookie of a session and sends the browser on; the session that it had before has ended. */
  const leave = (request: FastifyRequest, reply: FastifyReply, session?: Session): FastifyReply => {
    const secure = access.isHttps(request);
    const attributes = { httpOnly: true, sameSite: "strict", secure, path: "/" } as const;
    if (session === undefined) void reply.clearCookie(cookieName(secure), attributes);
    else void reply.setCookie(cookieName(secure), sessions.encode(session), attributes);
    closeEnded();
    return reply.redirect(session === undefined ? "login" : `./${queryOf(request)}`, 303);
  };
  app.get("/login", async (request, reply) => {
    const found = await passwords.authenticate(request, cookieOf(request, access));
    return isRefusal(found) ? sendLoginPage(reply) : reply.redirect(`./${queryOf(request)}`, 303);
  });
  app.post("/login", async (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const [user, password] = [form.get("user") ?? "", form.get("password") ?? ""];
    const found = await passwords.logIn(addressOf(request), user, password);
    if ("status" in found) {
      const { status, reason, message, retryAfterMs } = found;
      metrics.refused.inc({ reason });
      if (retryAfterMs !== undefined) void reply.header("retry-after", Math.ceil(retryAfterMs / 1000));
      // A 401 must name a way to authenticate that a browser knows, and a form is none.
      return sendLoginPage(reply, status === 401 ? 403 : status, message, user);
    }
    const previous = sessionOf(request);
    if (previous !== undefined) sessions.end(previous);
    return leave(request, reply, found);
  });
  app.post("/logout", (request, reply) => {
    const session = sessionOf(request);
    if (session !== undefined) passwords.logOut(addressOf(request), session);
    return leave(request, reply);
  });
  const unwatch = users.watch(limits.usersLookMs, () => {
    try {
      users.reload();
      log.notice("read the users again");
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      log.notice(`cannot read the users again, so they stay as they were: ${error.message}`);
    }
    closeEnded();
  });
  app.addHook("onClose", () => {
    unwatch();
    passwords.close();
  });
}
