/**
 * How people authenticate at the gateway, as the operator says it, and when saying it is required.
 *
 * Whoever reaches the gateway reaches its targets. Where that is more than this machine, or more than its users could do
 * by themselves, the operator must say who may: `--auth`, or `--auth none` in so many words.
 */

import { isLoopback, describeTarget, lendsRights } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { gatewayRoles } from "@wirebook/protocol";
import type { GatewayRole } from "@wirebook/protocol";
import { SettingsError } from "@wirebook/settings";
import { isUserName } from "./identity.ts";

/** How people authenticate. */
export type AuthMethod =
  | { readonly method: "none" }
  /** Name and password, by a file of htpasswd. */
  | { readonly method: "basic"; readonly path: string }
  /** A reverse proxy has authenticated them, and names them in a header. */
  | { readonly method: "header"; readonly name: string }
  /** A client certificate that an authority of this file has signed. */
  | { readonly method: "client-cert"; readonly caPath: string };

/** What the operator says about authentication. */
export interface AuthSettings {
  /** `undefined` when the operator said nothing, which is enough for this machine alone. */
  readonly auth: AuthMethod | undefined;
  /** By the user's name; `*` is everybody who authenticates. */
  readonly roles: ReadonlyMap<string, GatewayRole>;
  /** The file whose bytes sign the cookies; without one each start makes a key. */
  readonly sessionKeyPath: string | undefined;
}

/** The forms of `--auth`, for the sentence about a wrong one. */
export const authForms = "none, basic:FILE, header:NAME or client-cert:CA-FILE";

/** RFC 9110, section 5.6.2. */
const headerName = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Reads the value of `--auth`; `undefined` when it is none of its forms. */
export function readAuth(text: string): AuthMethod | undefined {
  const [, method, rest = ""] = /^([a-z-]+)(?::(.*))?$/s.exec(text) ?? [];
  if (method === "none" && text === "none") return { method };
  if (rest === "") return undefined;
  if (method === "basic") return { method, path: rest };
  if (method === "header" && headerName.test(rest)) return { method, name: rest };
  if (method === "client-cert") return { method, caPath: rest };
  return undefined;
}

/** The rest of what the operator says, as far as authentication depends on it. */
export interface Circumstances {
  readonly auth: string | undefined;
  readonly role: readonly string[];
  readonly sessionKey: string | undefined;
  readonly host: string;
  readonly origin: readonly string[];
  readonly trustProxy: readonly string[];
  readonly hasTls: boolean;
  readonly targets: readonly Target[];
}

/**
 * Reads and checks all that concerns authentication.
 *
 * @param onNotice told what is allowed and probably not meant
 * @throws SettingsError that says what to type
 */
export function readAuthSettings(given: Circumstances, onNotice: (sentence: string) => void): AuthSettings {
  const auth = given.auth === undefined ? undefined : readAuth(given.auth);
  const settings: AuthSettings = { auth, roles: readRoles(given.role), sessionKeyPath: given.sessionKey };
  if (auth === undefined) checkAdmitted(given);
  checkMethod(settings, given);
  if (auth === undefined || auth.method === "none") return settings;
  const isUsable = [...settings.roles.values()].some((role) => role !== "viewer");
  if (!isUsable) {
    onNotice("without a --role everybody may only look; type --role '*=user' to let everybody use the targets");
  }
  const bare = given.hasTls ? undefined : given.origin.find((each) => isPlain(each));
  if (auth.method === "basic" && bare !== undefined) {
    onNotice(`passwords for ${bare} travel unencrypted; use https, in a reverse proxy or with --tls-cert`);
  }
  return settings;
}

function isPlain(origin: string): boolean {
  return origin.startsWith("http:") && !isLoopback(hostOf(origin));
}

function hostOf(origin: string): string {
  return new URL(origin).hostname.replace(/^\[(.*)\]$/, "$1");
}

const alternatives = "type --auth basic:FILE so that people log in, or --auth none if everybody may";

/** Refuses to let people in who have not authenticated, unless all of them are on this machine and use only their own rights. */
function checkAdmitted({ targets, host, origin, trustProxy }: Circumstances): void {
  const lending = targets.find(lendsRights);
  if (lending !== undefined) {
    const isSocket = lending.address.transport === "unix";
    const right = isSocket ? "the gateway's right to its Unix socket" : "the gateway's client certificate";
    throw new SettingsError(
      `everybody who reaches the gateway would use ${right} at the target ${lending.name}; ${alternatives}`,
    );
  }
  const remoteOrigin = origin.find((each) => !isLoopback(hostOf(each)));
  const option =
    (isLoopback(host) ? undefined : `--host ${host}`) ??
    (remoteOrigin === undefined ? undefined : `--origin ${remoteOrigin}`) ??
    (trustProxy.length === 0 ? undefined : `--trust-proxy ${trustProxy[0]}`);
  if (option === undefined) return;
  throw new SettingsError(
    `${option} lets other machines in, and everybody there would reach ${targets.map(describeTarget).join(", ")}; ${alternatives}`,
  );
}

/** Refuses what does not belong together. */
function checkMethod({ auth, sessionKeyPath }: AuthSettings, { role, trustProxy, hasTls }: Circumstances): void {
  const method = auth?.method ?? "none";
  if (method === "none" && role.length > 0) {
    throw new SettingsError("--role is for people who authenticate; type --auth basic:FILE, or leave out --role");
  }
  if (method !== "basic" && sessionKeyPath !== undefined) {
    throw new SettingsError("--session-key signs the cookie of --auth basic:FILE, which is missing; leave it out");
  }
  if (method === "header" && trustProxy.length === 0) {
    throw new SettingsError(
      "--auth header believes a reverse proxy alone; type --trust-proxy and the address from which it connects",
    );
  }
  if (method === "client-cert" && !hasTls) {
    throw new SettingsError(
      "--auth client-cert needs the gateway's own TLS, which asks for the certificate; type --tls-cert FILE --tls-key FILE",
    );
  }
}

/** Reads the values of `--role`, each `NAME=ROLE`. */
function readRoles(texts: readonly string[]): Map<string, GatewayRole> {
  const roles = new Map<string, GatewayRole>();
  for (const text of texts) {
    const at = text.lastIndexOf("=");
    const name = text.slice(0, Math.max(0, at));
    const role = gatewayRoles.find((each) => each === text.slice(at + 1));
    if (!isUserName(name) || role === undefined) {
      const shown = JSON.stringify(text.slice(0, 40));
      const roleNames = gatewayRoles.join(", ");
      throw new SettingsError(`--role is ${shown}; type NAME=ROLE with one of ${roleNames}, such as ada=user`);
    }
    if (roles.has(name)) throw new SettingsError(`--role gives ${name.slice(0, 40)} two roles; type one of them`);
    roles.set(name, role);
  }
  return roles;
}
