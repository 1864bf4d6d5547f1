/** The gateway's settings, read once from the command line and the environment into one frozen object. */

import { fileURLToPath } from "node:url";
import {
  decodeHostPort,
  describeHostPort,
  isLoopback,
  normalizeAddress,
  parseTarget,
  readNetwork,
  tcpTarget,
  InputError,
} from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { gatewayPortDefault, serverPortDefault, targetsMax } from "@wirebook/protocol";
import {
  describeSettings,
  fileOption,
  filledText,
  hostName,
  ipAddress,
  like,
  listenPort,
  listOption,
  valueOption,
  optionalOption,
  readBy,
  readOptions,
  SettingsError,
  switchOption,
  textThat,
  wholeNumber,
} from "@wirebook/settings";
import type { NameOf, SettingsSource } from "@wirebook/settings";
import { authForms, checkAuth, readAuth, readRoles } from "./auth/auth-config.ts";
import { readListens } from "./flows/listen-settings.ts";
import { lessonServices } from "./lessons/services.ts";
import { connectionsDefault, connectionsMostPossible, watchMemoryDefault, watchMemoryMost } from "./limits.ts";

const builtPage = fileURLToPath(new URL("../../web/dist", import.meta.url));

export const table = {
  host: valueOption(hostName, "WIREBOOK_GATEWAY_HOST", "127.0.0.1", "where to listen; beyond loopback with --origin"),
  port: valueOption(listenPort, "WIREBOOK_GATEWAY_PORT", gatewayPortDefault, "TCP port to listen on"),
  server: optionalOption(
    like("HOST:PORT", "127.0.0.1:5007 or [::1]:5007, with a port from 1 to 65535", readBy(decodeHostPort)),
    "WIREBOOK_SERVER",
    `Wirebook server, the target wirebook; default 127.0.0.1:${serverPortDefault} when there is no --target`,
  ),
  target: listOption(
    like("NAME=URL", "mail=tcp://127.0.0.1:25", readBy(readTarget)),
    "WIREBOOK_TARGETS",
    "another service that pages may reach: tcp://host:port, tls://host:port, unix:/path",
  ),
  relay: switchOption("WIREBOOK_RELAY", "let any WebSocket client reach each target at /tcp/NAME"),
  lessons: switchOption("WIREBOOK_LESSONS", "let pages use the services of the lessons, on 127.0.0.1 while one runs"),
  listen: listOption(
    like("[HOST:]PORT=NAME", "5008=wirebook", filledText),
    "WIREBOOK_LISTEN",
    "also listen on a TCP port, pass each connection to that target, and let the page watch",
  ),
  allow: listOption(
    like("CIDR", "192.0.2.0/24", readBy(readNetwork)),
    "WIREBOOK_ALLOW",
    "let that network connect to the ports of --listen, besides this machine",
  ),
  watchMemory: valueOption(
    wholeNumber(1, watchMemoryMost, "MIB"),
    "WIREBOOK_WATCH_MEMORY",
    watchMemoryDefault,
    "MiB of what went through --listen and --relay that are kept for pages that watch",
  ),
  auth: optionalOption(
    { schema: readBy(readAuth), form: "HOW", expects: authForms },
    "WIREBOOK_AUTH",
    "how people authenticate: basic:FILE of htpasswd, header:NAME of a proxy, client-cert:CA-FILE, or none",
  ),
  role: listOption(
    like("NAME=ROLE", "ada=user", filledText),
    "WIREBOOK_ROLES",
    "what a user, or * for everybody, may do: viewer looks, user uses the targets, operator does all; without it viewer",
  ),
  sessionKey: fileOption("WIREBOOK_SESSION_KEY", "32 random bytes or more that sign the cookies of --auth basic"),
  connections: valueOption(
    wholeNumber(1, connectionsMostPossible, "N"),
    "WIREBOOK_CONNECTIONS",
    connectionsDefault,
    "maximum of concurrent connections to targets",
  ),
  origin: listOption(
    like("ORIGIN", "https://wirebook.example", textThat(isOrigin)),
    "WIREBOOK_ORIGIN",
    "additional origin whose pages may connect: what the browser's address bar begins with",
  ),
  proxyProtocol: switchOption("WIREBOOK_PROXY_PROTOCOL", "tell --server the page's address in a PROXY header"),
  trustProxy: listOption(ipAddress, "WIREBOOK_GATEWAY_TRUST_PROXY", "trust the X-Forwarded-… headers of that address"),
  metricsFrom: listOption(ipAddress, "WIREBOOK_METRICS_FROM", "let that address read /metrics, besides this machine"),
  tlsCert: fileOption("WIREBOOK_TLS_CERT", "PEM file with the certificate chain for https and wss"),
  tlsKey: fileOption("WIREBOOK_TLS_KEY", "PEM file with the private key of the certificate"),
  pcap: fileOption("WIREBOOK_GATEWAY_PCAP", "pcapng file for the packets of all exchanges; replaces an older one"),
  page: valueOption(like("FOLDER", "/srv/page", filledText), "WIREBOOK_PAGE", builtPage, "folder of the built page"),
} as const;

export const optionsHelp: string = describeSettings(table);

/** What the operator decided: the options, and what follows from several of them. */
export type GatewayConfig = NonNullable<ReturnType<typeof readConfig>>;

/**
 * Reads the settings; `undefined` when the user asked for help.
 *
 * @throws SettingsError for whatever cannot be meant, with a sentence that says what to type
 */
export function readConfig(source: SettingsSource) {
  const read = readOptions(table, source);
  if (read === undefined) return undefined;
  const { nameOf } = read;
  const { server, target, listen, role, proxyProtocol, tlsCert, tlsKey, ...settings } = read.settings;
  const tls = tlsOf(tlsCert, tlsKey, nameOf);
  checkHost({ ...settings, tls, nameOf });
  const targets = targetsOf(
    server ?? (target.length === 0 ? serverDefault : undefined),
    target,
    proxyProtocol && nameOf("proxyProtocol"),
  );
  const roles = readRoles(role, nameOf);
  checkAuth({ ...settings, roles, targets, tls, nameOf }, (sentence) => source.onNotice?.(sentence));
  return Object.freeze({
    ...settings,
    nameOf,
    /** The services that clients may reach, by name; the Wirebook server is `wirebook`, and comes first. */
    targets,
    /** The ports besides the gateway's own. */
    listens: readListens(listen, targets, settings.allow, nameOf),
    roles,
    /** Where the gateway itself speaks TLS. */
    tls,
    metricsFrom: settings.metricsFrom.map((address) => normalizeAddress(address) ?? address),
  });
}

/** The address for a browser: where users were given one, it is that, since a certificate is for a name. */
export function pageAddress(config: Place): string {
  const { host, port, tls } = config;
  const [origin] = config.origin;
  if (origin !== undefined && (tls !== undefined || !isLoopback(host))) return origin;
  // A browser accepts no zone (`::1%lo`), and loopback needs none.
  const place = describeHostPort({ host: host.replace(/%.*/, ""), port });
  return new URL(`${tls === undefined ? "http" : "https"}://${place}`).origin;
}

const serverDefault = { host: "127.0.0.1", port: serverPortDefault };

function readTarget(text: string): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new SettingsError(error.message, { cause: error });
  }
}

type Place = Pick<GatewayConfig, "host" | "port" | "origin" | "tls">;

function checkHost({ host, port, origin, tls, nameOf }: Place & Pick<GatewayConfig, "nameOf">): void {
  if (isLoopback(host) || origin.length > 0) return;
  const example = new URL(`${tls === undefined ? "http" : "https"}://wirebook.example:${port || gatewayPortDefault}`)
    .origin;
  throw new SettingsError(
    `${nameOf("host", host)} may be reachable from other machines, so pages of any website could connect; type --origin ` +
      `with the address that your users open, such as ${example}, or leave out ${nameOf("host")}`,
  );
}

function targetsOf(server: typeof serverDefault | undefined, others: readonly Target[], proxyHeader: string | false) {
  if (proxyHeader !== false && server === undefined) {
    const advice = "type ?proxy=v2 behind a --target's address";
    throw new SettingsError(`${proxyHeader} concerns --server, which is missing; ${advice}`);
  }
  const targets = [...others];
  if (server !== undefined)
    targets.push({ ...tcpTarget("wirebook", server), proxy: proxyHeader === false ? undefined : "v2" });
  // A Wirebook server behind TLS is a --target too; pages find it first.
  targets.sort((one, other) => Number(other.name === "wirebook") - Number(one.name === "wirebook"));
  const names = targets.map(({ name }) => name);
  const taken = names.find((name, index) => name in lessonServices || names.indexOf(name) < index);
  if (taken !== undefined) {
    const holders = "another --target, --server or a lesson's service";
    throw new SettingsError(`the name ${taken} is that of ${holders}, too; give each --target its own`);
  }
  if (targets.length <= targetsMax) return targets;
  const advice = "start a second gateway for the others";
  throw new SettingsError(`${targets.length} targets are over the limit of ${targetsMax}; ${advice}`);
}

function tlsOf(certPath: string | undefined, keyPath: string | undefined, nameOf: NameOf<"tlsCert" | "tlsKey">) {
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath };
  if (certPath === keyPath) return undefined;
  const isCert = certPath !== undefined;
  const missing = isCert
    ? "private key is missing; type --tls-key FILE"
    : "certificate is missing; type --tls-cert FILE";
  const given = nameOf(isCert ? "tlsCert" : "tlsKey");
  throw new SettingsError(`${given} is ${certPath ?? keyPath}, and its ${missing} as well`);
}

/** True for `scheme://host[:port]` exactly as a browser writes it in the Origin header (RFC 6454, section 6.2). */
function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
