/**
 * How people authenticate at the gateway. Whoever reaches it reaches its targets. Where that is more than this machine, or more
 * than its users could do by themselves, the operator must say who may: `--auth`, or `--auth none` in so many words.
 */

import { isLoopback, describeTarget, lendsRights } from "@wirebook/net";
import { gatewayRoles, type GatewayRole } from "@wirebook/protocol";
import { type NameOf, SettingsError } from "@wirebook/settings";
import type { GatewayConfig } from "../config.ts";
import { isUserName, type Roles } from "./identity.ts";

export type AuthMethod =
  | { readonly method: "none" }
  /** Name and password, by a file of htpasswd. */
  | { readonly method: "basic"; readonly path: string }
  /** A reverse proxy has authenticated them, and names them in a header. */
  | { readonly method: "header"; readonly name: string }
  /** A client certificate that an authority of this file has signed. */
  | { readonly method: "client-cert"; readonly caPath: string };

/** The forms of `--auth`, for the sentence about a wrong one. */
export const authForms = "none, basic:FILE, header:NAME or client-cert:CA-FILE";

/** RFC 9110, section 5.6.2. */
const headerName = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Reads the value of `--auth`; `undefined` when it is none of its forms. */
export function readAuth(text: string): AuthMethod | undefined {
  const [, method, rest = ""] = /^([a-z-]+)(?::(.*))?$/s.exec(text) ?? [];
  if (text === "none") return { method: "none" };
  if (rest === "") return undefined;
  if (method === "basic") return { method, path: rest };
  if (method === "header" && headerName.test(rest)) return { method, name: rest };
  return method === "client-cert" ? { method, caPath: rest } : undefined;
}

/** Reads the values of `--role`, each `NAME=ROLE`. @throws SettingsError */
export function readRoles(texts: readonly string[], nameOf: NameOf<"role">): Roles {
  const roles = new Map<string, GatewayRole>();
  for (const text of texts) {
    const at = text.lastIndexOf("=");
    const name = text.slice(0, Math.max(0, at));
    const role = gatewayRoles.find((each) => each === text.slice(at + 1));
    if (!isUserName(name) || role === undefined || roles.has(name)) {
      const shown = JSON.stringify(text.slice(0, 40));
      const forms = `NAME=ROLE with one of ${gatewayRoles.join(", ")}, once for each name`;
      throw new SettingsError(`${nameOf("role")} is ${shown}; type ${forms}, such as ada=user`);
    }
    roles.set(name, role);
  }
  return roles;
}

type AuthSettings = Omit<GatewayConfig, "listens" | "metricsFrom">;

/** @param onNotice told what is allowed and probably not meant @throws SettingsError that says what to type */
export function checkAuth(settings: AuthSettings, onNotice: (sentence: string) => void): void {
  const { auth, roles, origin, tls } = settings;
  if (auth === undefined) checkAdmitted(settings);
  const mistake = mistakeIn(settings);
  if (mistake !== undefined) throw new SettingsError(mistake);
  if (auth === undefined || auth.method === "none") return;
  if (roles.values().every((role) => role === "viewer")) {
    onNotice("without a --role everybody may only look; type --role '*=user' to let everybody use the targets");
  }
  const plain = origin.find((each) => each.startsWith("http:") && !isLoopback(hostOf(each)));
  if (auth.method === "basic" && tls === undefined && plain !== undefined) {
    onNotice(`passwords for ${plain} travel unencrypted; use https, in a reverse proxy or with --tls-cert`);
  }
}

function hostOf(origin: string): string {
  return new URL(origin).hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Without authentication all must be on this machine, and use only their own rights. */
function checkAdmitted({ targets, host, origin, trustProxy, nameOf }: AuthSettings): void {
  const alternatives = "type --auth basic:FILE so that people log in, or --auth none if everybody may";
  const lending = targets.find(lendsRights);
  if (lending !== undefined) {
    const right = lending.address.transport === "unix" ? "right to its Unix socket" : "client certificate";
    throw new SettingsError(
      `everybody who reaches the gateway would use the gateway's ${right} at the target ${lending.name}; ${alternatives}`,
    );
  }
  const options = [
    isLoopback(host) ? [] : nameOf("host", host),
    origin.filter((each) => !isLoopback(hostOf(each))).map((each) => nameOf("origin", each)),
    trustProxy.map((each) => nameOf("trustProxy", each)),
  ].flat();
  if (options.length === 0) return;
  throw new SettingsError(
    `${options[0]} lets other machines in, and everybody there would reach ${targets.map(describeTarget).join(", ")}; ${alternatives}`,
  );
}

function mistakeIn({ auth, roles, sessionKey, trustProxy, tls, nameOf }: AuthSettings): string | undefined {
  const method = auth?.method ?? "none";
  if (method === "none" && roles.size > 0)
    return `${nameOf("role")} is for people who authenticate; type --auth basic:FILE, or leave out ${nameOf("role")}`;
  if (method !== "basic" && sessionKey !== undefined)
    return `${nameOf("sessionKey")} signs the cookie of --auth basic:FILE, which is missing; leave it out`;
  if (method === "header" && trustProxy.length === 0)
    return `${nameOf("auth", method)} believes a reverse proxy alone; type --trust-proxy and the address from which it connects`;
  if (method === "client-cert" && tls === undefined)
    return `${nameOf("auth", method)} needs the gateway's own TLS; type --tls-cert FILE --tls-key FILE`;
  return undefined;
}
