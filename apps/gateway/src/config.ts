/** The gateway's settings, read once from the command line and the environment into one frozen object. */

import { fileURLToPath } from "node:url";
import * as z from "zod/mini";
import {
  decodeHostPort,
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
  filledText,
  hostName,
  ipAddresses,
  portNumber,
  readSettings,
  SettingsError,
  toggle,
  wholeNumber,
} from "@wirebook/settings";
import type { Setting, SettingsSource } from "@wirebook/settings";
import { authForms, readAuth, readAuthSettings } from "./auth/auth-config.ts";
import type { AuthSettings } from "./auth/auth-config.ts";
import { readListens } from "./flows/listen-settings.ts";
import type { ListenSettings } from "./flows/listen-settings.ts";
import type { TlsFiles } from "./http/http-servers.ts";
import { lessonServices } from "./lessons/services.ts";
import { connectionsDefault, connectionsMostPossible, watchMemoryDefault, watchMemoryMost } from "./limits.ts";

/** What the operator decided. */
export interface GatewayConfig extends AuthSettings {
  /** Where the gateway listens. */
  readonly host: string;
  readonly port: number;
  /** The services that clients may reach, by name; the Wirebook server is `wirebook`, and comes first. */
  readonly targets: readonly Target[];
  /** The ports besides the gateway's own, and the networks besides loopback that may connect there. */
  readonly listens: readonly ListenSettings[];
  readonly allowed: readonly string[];
  /** Bytes of flows that are kept for those who watch. */
  readonly watchBytes: number;
  /** True when any WebSocket client may reach the targets at `/tcp/NAME`. */
  readonly hasRelay: boolean;
  /** True when pages may use the services of the lessons; `undefined` where the operator has said nothing, which means no. */
  readonly hasLessons: boolean | undefined;
  /** Connections to targets at once. */
  readonly connections: number;
  /** Origins whose pages may connect, besides the gateway's own. */
  readonly origins: readonly string[];
  /** Addresses of reverse proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Addresses besides loopback that may read the metrics, each in its one written form. */
  readonly metricsFrom: readonly string[];
  /** Certificate and key, when the gateway itself speaks TLS. */
  readonly tls: TlsFiles | undefined;
  /** The pcapng file for the packets of all exchanges; `undefined` for none. */
  readonly pcap: string | undefined;
  /** The folder of the built page. */
  readonly page: string;
}

const bytesPerMebibyte = 1024 * 1024;

const builtPage = fileURLToPath(new URL("../../web/dist", import.meta.url));

/** The kinds of options of which there are several. */
const flag = (env: string, help: string) =>
  ({ schema: toggle, default: false, env, form: "", expects: "it without a value", help }) satisfies Setting<boolean>;
const file = (env: string, expects: string, help: string) =>
  ({ schema: z.optional(filledText), default: undefined, env, form: "FILE", expects, help }) satisfies Setting<
    string | undefined
  >;
const list = (schema: Setting<string[]>["schema"], env: string, form: string, expects: string, help: string) =>
  ({ schema, default: [], env, form, expects, help: `${help}; may be repeated` }) satisfies Setting<string[]>;

/** The options of the gateway. */
export const table = {
  host: {
    schema: hostName,
    default: "127.0.0.1",
    env: "WIREBOOK_GATEWAY_HOST",
    form: "HOST",
    expects: "an address or a host name of this machine, such as 127.0.0.1",
    help: "address to listen on; beyond loopback it needs --origin",
  },
  port: {
    schema: portNumber,
    default: gatewayPortDefault,
    env: "WIREBOOK_GATEWAY_PORT",
    form: "PORT",
    expects: "a port from 0 to 65535; 0 takes any free port",
    help: "TCP port to listen on",
  },
  server: {
    schema: z.optional(z.string().check(z.refine((text) => decodeHostPort(text) !== undefined))),
    default: undefined,
    env: "WIREBOOK_SERVER",
    form: "HOST:PORT",
    expects: "host:port with a port from 1 to 65535, such as 127.0.0.1:5007 or [::1]:5007",
    help: `Wirebook server, the target wirebook; default 127.0.0.1:${serverPortDefault} when there is no --target`,
  },
  target: list(
    z.array(filledText),
    "WIREBOOK_TARGETS",
    "NAME=URL",
    "a name and an address, such as mail=tcp://127.0.0.1:25",
    "another service that pages may reach: tcp://host:port, tls://host:port, unix:/path",
  ),
  relay: flag("WIREBOOK_RELAY", "let any WebSocket client reach each target at /tcp/NAME"),
  lessons: {
    schema: z.optional(toggle),
    default: undefined,
    env: "WIREBOOK_LESSONS",
    form: "",
    expects: "it without a value",
    help: "let pages use the services of the lessons, which listen on 127.0.0.1 while a lesson runs",
  },
  listen: list(
    z.array(filledText),
    "WIREBOOK_LISTEN",
    "[HOST:]PORT=NAME",
    "a port and a target's name, such as 5008=wirebook",
    "also listen on a TCP port, pass each connection to that target, and let the page watch",
  ),
  allow: list(
    z.array(z.string().check(z.refine((text) => readNetwork(text) !== undefined))),
    "WIREBOOK_ALLOW",
    "CIDR",
    "an address or a network, such as 192.0.2.0/24",
    "let that network connect to the ports of --listen, besides this machine",
  ),
  watchMemory: {
    schema: wholeNumber(1, watchMemoryMost),
    default: watchMemoryDefault,
    env: "WIREBOOK_WATCH_MEMORY",
    form: "MIB",
    expects: `a number of MiB from 1 to ${watchMemoryMost}`,
    help: "MiB of what went through --listen and --relay that are kept for pages that watch",
  },
  auth: {
    schema: z.optional(z.string().check(z.refine((text) => readAuth(text) !== undefined))),
    default: undefined,
    env: "WIREBOOK_AUTH",
    form: "HOW",
    expects: authForms,
    help: "how people authenticate: basic:FILE of htpasswd, header:NAME of a proxy, client-cert:CA-FILE, or none",
  },
  role: list(
    z.array(filledText),
    "WIREBOOK_ROLES",
    "NAME=ROLE",
    "a user's name and viewer, user or operator, such as ada=user",
    "what a user, or * for everybody, may do: viewer looks, user uses the targets, operator does all; without it viewer",
  ),
  sessionKey: file(
    "WIREBOOK_SESSION_KEY",
    "a file with 32 random bytes or more",
    "key that signs the cookies of --auth basic, so that people stay logged in over a restart",
  ),
  connections: {
    schema: wholeNumber(1, connectionsMostPossible),
    default: connectionsDefault,
    env: "WIREBOOK_CONNECTIONS",
    form: "N",
    expects: `a number from 1 to ${connectionsMostPossible}`,
    help: "maximum of concurrent connections to targets",
  },
  origin: list(
    z.array(z.string().check(z.refine(isOrigin))),
    "WIREBOOK_ORIGIN",
    "ORIGIN",
    "what the browser's address bar begins with, without a path, such as https://wirebook.example",
    "additional origin whose pages may connect",
  ),
  proxyProtocol: flag(
    "WIREBOOK_PROXY_PROTOCOL",
    "send the page's address to --server in a PROXY header; start the server with --trust-proxy",
  ),
  trustProxy: list(
    ipAddresses,
    "WIREBOOK_GATEWAY_TRUST_PROXY",
    "ADDRESS",
    "the IP address from which a reverse proxy connects, such as 127.0.0.1",
    "trust the X-Forwarded-… headers from that address",
  ),
  metricsFrom: list(
    ipAddresses,
    "WIREBOOK_METRICS_FROM",
    "ADDRESS",
    "the IP address from which Prometheus asks, such as 192.0.2.7",
    "allow that address to read /metrics, besides this machine",
  ),
  tlsCert: file("WIREBOOK_TLS_CERT", "the path of a PEM file", "PEM file with the certificate chain for https and wss"),
  tlsKey: file("WIREBOOK_TLS_KEY", "the path of a PEM file", "PEM file with the private key of the certificate"),
  pcap: file(
    "WIREBOOK_GATEWAY_PCAP",
    "a file to write, such as gateway.pcapng",
    "write all exchanges as packets to a pcapng file for Wireshark; replaces an older one",
  ),
  page: {
    schema: filledText,
    default: builtPage,
    env: "WIREBOOK_PAGE",
    form: "FOLDER",
    expects: "the folder of the built page",
    help: "folder of the built page",
  },
};

/** The lines of help for the gateway's options. */
export const optionsHelp: string = describeSettings(table);

/**
 * Reads the settings; `undefined` when the user asked for help.
 *
 * @throws SettingsError for whatever cannot be meant, with a sentence that says what to type
 */
export function readConfig(source: SettingsSource): GatewayConfig | undefined {
  const { settings, words, isHelp } = readSettings(table, source);
  if (isHelp) return undefined;
  const [word] = words;
  if (word !== undefined) {
    throw new SettingsError(`${JSON.stringify(word)} is not an option; see --help`);
  }
  const { host, port, origin, proxyProtocol } = settings;
  const tls = tlsOf(settings.tlsCert, settings.tlsKey);
  if (!isLoopback(host) && origin.length === 0) {
    const scheme = tls === undefined ? "http" : "https";
    const example = new URL(`${scheme}://wirebook.example:${port || gatewayPortDefault}`).origin;
    throw new SettingsError(
      `--host ${host} may be reachable from other machines, so pages of any website could connect; type --origin with the ` +
        `address that your users open, such as ${example}, or leave out --host`,
    );
  }
  const serverText = settings.server ?? (settings.target.length === 0 ? `127.0.0.1:${serverPortDefault}` : undefined);
  const server = serverText === undefined ? undefined : decodeHostPort(serverText);
  if (proxyProtocol && server === undefined) {
    throw new SettingsError(
      "--proxy-protocol concerns --server, which is missing; type ?proxy=v2 behind a --target's address",
    );
  }
  const targets = settings.target.map(readTarget);
  if (server !== undefined) targets.push({ ...tcpTarget("wirebook", server), proxy: proxyProtocol ? "v2" : undefined });
  // A Wirebook server behind TLS is a --target too; pages find it first.
  targets.sort((one, other) => Number(other.name === "wirebook") - Number(one.name === "wirebook"));
  checkTargets(targets);
  return Object.freeze({
    host,
    port,
    targets,
    listens: readListens(settings.listen, targets, settings.allow),
    allowed: settings.allow,
    watchBytes: settings.watchMemory * bytesPerMebibyte,
    hasRelay: settings.relay,
    hasLessons: settings.lessons,
    ...readAuthSettings({ ...settings, hasTls: tls !== undefined, targets }, (sentence) => source.onNotice?.(sentence)),
    connections: settings.connections,
    origins: origin,
    pcap: settings.pcap,
    trustedProxies: settings.trustProxy,
    metricsFrom: settings.metricsFrom.map((address) => normalizeAddress(address) ?? address),
    tls,
    page: settings.page,
  });
}

function readTarget(text: string): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new SettingsError(`--target: ${error.message}`, { cause: error });
  }
}

function checkTargets(targets: readonly Target[]): void {
  const names = targets.map(({ name }) => name);
  const doubled = names.find((name, index) => names.indexOf(name) < index);
  if (doubled === "wirebook")
    throw new SettingsError("the target wirebook is --server; name the --target something else");
  const taken = names.find((name) => name in lessonServices);
  if (taken !== undefined)
    throw new SettingsError(`${taken} is the name of a lesson's service; give the --target another one`);
  if (doubled !== undefined)
    throw new SettingsError(`two targets have the name ${doubled}; give each --target its own`);
  if (targets.length <= targetsMax) return;
  throw new SettingsError(
    `${targets.length} targets are over the limit of ${targetsMax}; start a second gateway for the others`,
  );
}

function tlsOf(certPath: string | undefined, keyPath: string | undefined): TlsFiles | undefined {
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath };
  if (certPath !== undefined) {
    throw new SettingsError(`--tls-cert is ${certPath}, and its private key is missing; type --tls-key FILE as well`);
  }
  if (keyPath !== undefined) {
    throw new SettingsError(`--tls-key is ${keyPath}, and its certificate is missing; type --tls-cert FILE as well`);
  }
  return undefined;
}

/** True for `scheme://host[:port]` exactly as a browser writes it in the Origin header (RFC 6454, section 6.2). */
function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
