/** Who sends a request, by the method that the operator chose with `--auth`. */

import { isUtf8 } from "node:buffer";
import type { TLSSocket } from "node:tls";
import type { FastifyRequest } from "fastify";
import type { GatewayConfig } from "../config.ts";
import type { Refusal } from "../http/access-control.ts";
import type { GatewayLimits } from "../limits.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { AuthMethod } from "./auth-config.ts";
import { deny, everybody, isUserName, roleOf, userNameCharactersMax, type Identity, type Roles } from "./identity.ts";
import { Passwords } from "./passwords.ts";

export class Authenticator {
  readonly auth: AuthMethod;
  /** With `--auth basic:FILE`. */
  readonly passwords: Passwords | undefined;
  readonly #roles: Roles;
  readonly #limits: GatewayLimits;
  readonly #isTrusted: (address: string) => boolean;

  /** @throws SettingsError when a file that the operator named cannot be used */
  constructor(config: GatewayConfig, limits: GatewayLimits, log: Log, isTrusted: (address: string) => boolean) {
    this.auth = config.auth ?? { method: "none" };
    this.#roles = config.roles;
    this.#limits = limits;
    this.#isTrusted = isTrusted;
    if (this.auth.method === "basic") this.passwords = new Passwords(this.auth.path, config, limits, log);
  }

  /** @param cookie the value of the session's cookie, if the request has one */
  async authenticate(request: FastifyRequest, cookie: string | undefined): Promise<Identity | Refusal> {
    if (this.passwords !== undefined) return this.passwords.authenticate(request, cookie);
    if (this.auth.method === "header") return this.#byHeader(request, this.auth.name);
    if (this.auth.method === "client-cert") return this.#byCertificate(request.raw.socket as TLSSocket);
    return everybody;
  }

  /**
   * Why somebody who came in may not stay; `undefined` where there is no reason.
   *
   * @param usedMs when that user last used a target, on the monotonic clock
   */
  whyEnded(identity: Identity, usedMs: number): string | undefined {
    if (identity.isGuest === true) return undefined;
    if (Date.now() >= identity.endsMs) return "the proof of who you are is too old";
    if (identity.session !== undefined) this.passwords?.sessions.use(identity.session, performance.timeOrigin + usedMs);
    return this.passwords?.whyEnded(identity);
  }

  /** Anybody can send a header, so it counts from a trusted proxy alone. */
  #byHeader({ raw }: FastifyRequest, name: string): Identity | Refusal {
    const { remoteAddress = "" } = raw.socket;
    if (!this.#isTrusted(remoteAddress)) {
      return deny(`come through the reverse proxy, which logs you in; ${remoteAddress} is no address of --trust-proxy`);
    }
    const values = raw.headersDistinct[name.toLowerCase()] ?? [];
    // Node reads headers as Latin-1, and proxies write UTF-8.
    const bytes = Buffer.from(values.length === 1 ? String(values[0]) : "", "latin1");
    return this.#identify(isUtf8(bytes) ? bytes.toString() : "", `the proxy's header ${name}`);
  }

  #byCertificate(socket: TLSSocket): Identity | Refusal {
    if (!socket.authorized) {
      const problem = socket.authorizationError === undefined ? "" : ` (${String(socket.authorizationError)})`;
      return deny(`you must send a client certificate that this gateway's authority signed${problem}`);
    }
    const { subject, valid_to: validTo } = socket.getPeerCertificate();
    // It was verified when the connection began, or when the TLS session did that the client goes on with.
    const validMs = Date.parse(validTo);
    if (Date.now() >= validMs) return deny("your client certificate has expired; get a new one");
    // A certificate with several names has an array there.
    const user = typeof subject.CN === "string" ? subject.CN : "";
    return this.#identify(user, "the common name of the client certificate", validMs);
  }

  #identify(user: string, where: string, validMs = Infinity): Identity | Refusal {
    if (isUserName(user)) {
      return { user, role: roleOf(user, this.#roles), endsMs: Math.min(validMs, Date.now() + this.#limits.sessionMs) };
    }
    return deny(
      `${where} must be there once, with a name of 1 to ${userNameCharactersMax} visible characters in UTF-8`,
    );
  }
}
