/** Who sends a request, by the method that the operator chose with `--auth`. */

import { isUtf8 } from "node:buffer";
import type { TLSSocket } from "node:tls";
import type { FastifyRequest } from "fastify";
import type { GatewayConfig } from "../config.ts";
import type { Refusal } from "../http/origin-policy.ts";
import type { GatewayLimits } from "../limits.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { AuthMethod } from "./auth-config.ts";
import { deny, everybody, isUserName, roleOf, userNameCharactersMax } from "./identity.ts";
import type { Identity } from "./identity.ts";
import { Passwords } from "./passwords.ts";

/** Where the authentication of one gateway is decided. */
export class Authenticator {
  readonly auth: AuthMethod;
  /** With `--auth basic:FILE`. */
  readonly passwords: Passwords | undefined;
  readonly #roles: GatewayConfig["roles"];
  readonly #limits: GatewayLimits;
  readonly #isTrusted: (address: string) => boolean;

  /**
   * @param isTrusted whether an address is that of a trusted proxy
   * @throws SettingsError when a file that the operator named cannot be used
   */
  constructor(config: GatewayConfig, limits: GatewayLimits, log: Log, isTrusted: (address: string) => boolean) {
    const { auth = { method: "none" } } = config;
    this.auth = auth;
    this.#roles = config.roles;
    this.#limits = limits;
    this.#isTrusted = isTrusted;
    this.passwords = auth.method === "basic" ? new Passwords(auth.path, config, limits, log) : undefined;
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

  /** Anybody can send a header, so it counts from a trusted proxy alone; from elsewhere it is ignored, and nothing else is there. */
  #byHeader({ raw }: FastifyRequest, name: string): Identity | Refusal {
    const { remoteAddress = "" } = raw.socket;
    if (!this.#isTrusted(remoteAddress)) {
      return deny(`come through the reverse proxy, which logs you in; ${remoteAddress} is no address of --trust-proxy`);
    }
    const values = raw.headersDistinct[name.toLowerCase()] ?? [];
    if (values.length > 1) return deny(`the proxy sent the header ${name} ${values.length} times; let it send one`);
    // Node reads headers as Latin-1, and proxies write UTF-8.
    const bytes = Buffer.from(values[0] ?? "", "latin1");
    if (!isUtf8(bytes)) return deny(`the proxy's header ${name} is not UTF-8; let it send the name in UTF-8`);
    if (bytes.length === 0) return deny(`the proxy did not say who you are: its header ${name} is missing`);
    return this.#identify(bytes.toString(), `the proxy's header ${name}`);
  }

  #byCertificate(socket: TLSSocket): Identity | Refusal {
    if (!socket.authorized) {
      const problem = socket.authorizationError === undefined ? "" : ` (${String(socket.authorizationError)})`;
      return deny(
        `your browser or program must send a client certificate that this gateway's authority signed${problem}`,
      );
    }
    const { subject, valid_to: validTo } = socket.getPeerCertificate();
    const user = subject.CN;
    if (typeof user !== "string") return deny("the client certificate must have one common name (CN)");
    // It was verified when the connection began, or when the TLS session did that the client goes on with.
    const validMs = Date.parse(validTo);
    if (Date.now() >= validMs) return deny("your client certificate has expired; get a new one");
    return this.#identify(user, "the common name of the client certificate", validMs);
  }

  #identify(user: string, where: string, validMs = Infinity): Identity | Refusal {
    if (!isUserName(user)) return deny(`${where} is not a name of 1 to ${userNameCharactersMax} visible characters`);
    return { user, role: roleOf(user, this.#roles), endsMs: Math.min(validMs, Date.now() + this.#limits.sessionMs) };
  }
}
