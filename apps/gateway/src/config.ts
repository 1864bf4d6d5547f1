/** The gateway's settings, read once from the command line and the environment into one frozen object. */

import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import * as z from "zod/mini";
import {
  decodeHostPort,
  describeHostPort,
  isLoopback,
  normalizeAddress,
  parseTarget,
  readNetwork,
  TargetError,
} from "@wirebook/net";
import type { HostPort, Target } from "@wirebook/net";
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
import type { SettingsSource } from "@wirebook/settings";
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
  /** Where the Wirebook server listens; `undefined` where there is none. */
  readonly server: HostPort | undefined;
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
  /** True to tell the server by a PROXY header for whom each connection is made [W-20]. */
  readonly proxyProtocol: boolean;
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
  target: {
    schema: z.array(filledText),
    default: [] as string[],
    env: "WIREBOOK_TARGETS",
    form: "NAME=URL",
    expects: "a name and an address, such as mail=tcp://127.0.0.1:25",
    help: "another service that pages may reach: tcp://host:port, tls://host:port, unix:/path; may be repeated",
  },
  relay: {
    schema: toggle,
    default: false,
    env: "WIREBOOK_RELAY",
    form: "",
    expects: "it without a value",
    help: "let any WebSocket client reach each target at /tcp/NAME",
  },
  lessons: {
    schema: z.optional(toggle),
    default: undefined,
    env: "WIREBOOK_LESSONS",
    form: "",
    expects: "it without a value",
    help: "let pages use the services of the lessons, which listen on 127.0.0.1 while a lesson runs",
  },
  listen: {
    schema: z.array(filledText),
    default: [] as string[],
    env: "WIREBOOK_LISTEN",
    form: "[HOST:]PORT=NAME",
    expects: "a port and a target's name, such as 5008=wirebook",
    help: "also listen on a TCP port, pass each connection to that target, and let the page watch; may be repeated",
  },
  allow: {
    schema: z.array(z.string().check(z.refine((text) => readNetwork(text) !== undefined))),
    default: [] as string[],
    env: "WIREBOOK_ALLOW",
    form: "CIDR",
    expects: "an address or a network, such as 192.0.2.0/24",
    help: "let that network connect to the ports of --listen, besides this machine; may be repeated",
  },
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
  role: {
    schema: z.array(filledText),
    default: [] as string[],
    env: "WIREBOOK_ROLES",
    form: "NAME=ROLE",
    expects: "a user's name and viewer, user or operator, such as ada=user",
    help: "what a user, or * for everybody, may do: viewer looks, user uses the targets, operator does all; may be repeated; without it viewer",
  },
  sessionKey: {
    schema: z.optional(filledText),
    default: undefined,
    env: "WIREBOOK_SESSION_KEY",
    form: "FILE",
    expects: "a file with 32 random bytes or more",
    help: "key that signs the cookies of --auth basic, so that people stay logged in over a restart",
  },
  connections: {
    schema: wholeNumber(1, connectionsMostPossible),
    default: connectionsDefault,
    env: "WIREBOOK_CONNECTIONS",
    form: "N",
    expects: `a number from 1 to ${connectionsMostPossible}`,
    help: "maximum of concurrent connections to targets",
  },
  origin: {
    schema: z.array(z.string().check(z.refine(isOrigin))),
    default: [] as string[],
    env: "WIREBOOK_ORIGIN",
    form: "ORIGIN",
    expects: "what the browser's address bar begins with, without a path, such as https://wirebook.example",
    help: "additional origin whose pages may connect; may be repeated",
  },
  proxyProtocol: {
    schema: toggle,
    default: false,
    env: "WIREBOOK_PROXY_PROTOCOL",
    form: "",
    expects: "it without a value",
    help: "send the page's address to --server in a PROXY header; start the server with --trust-proxy",
  },
  trustProxy: {
    schema: ipAddresses,
    default: [],
    env: "WIREBOOK_GATEWAY_TRUST_PROXY",
    form: "ADDRESS",
    expects: "the IP address from which a reverse proxy connects, such as 127.0.0.1",
    help: "trust the X-Forwarded-… headers from that address; may be repeated",
  },
  metricsFrom: {
    schema: ipAddresses,
    default: [],
    env: "WIREBOOK_METRICS_FROM",
    form: "ADDRESS",
    expects: "the IP address from which Prometheus asks, such as 192.0.2.7",
    help: "allow that address to read /metrics, besides this machine; may be repeated",
  },
  tlsCert: {
    schema: z.optional(filledText),
    default: undefined,
    env: "WIREBOOK_TLS_CERT",
    form: "FILE",
    expects: "the path of a PEM file",
    help: "PEM file with the certificate chain for https and wss",
  },
  tlsKey: {
    schema: z.optional(filledText),
    default: undefined,
    env: "WIREBOOK_TLS_KEY",
    form: "FILE",
    expects: "the path of a PEM file",
    help: "PEM file with the private key of the certificate",
  },
  pcap: {
    schema: z.optional(filledText),
    default: undefined,
    env: "WIREBOOK_GATEWAY_PCAP",
    form: "FILE",
    expects: "a file to write, such as gateway.pcapng",
    help: "write all exchanges as packets to a pcapng file for Wireshark; replaces an older one",
  },
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
  const { host, port, connections, origin, proxyProtocol, trustProxy, metricsFrom, pcap, page, relay } = settings;
  const tls = tlsOf(settings.tlsCert, settings.tlsKey);
  if (!isLoopback(host) && origin.length === 0) {
    throw new SettingsError(
      `--host ${host} may be reachable from other machines, so pages of any website could connect; type --origin with the ` +
        `address that your users open, such as ${exampleOrigin(tls === undefined ? "http" : "https", host, port)}, or leave out --host`,
    );
  }
  const targetUrls = settings.target;
  const serverText = settings.server ?? (targetUrls.length === 0 ? `127.0.0.1:${serverPortDefault}` : undefined);
  const server = serverText === undefined ? undefined : decodeHostPort(serverText);
  if (proxyProtocol && server === undefined) {
    throw new SettingsError(
      "--proxy-protocol concerns --server, which is missing; type ?proxy=v2 behind a --target's address",
    );
  }
  const targets = targetUrls.map(readTarget);
  if (server !== undefined) {
    const proxy = proxyProtocol ? "v2" : undefined;
    targets.push({ name: "wirebook", address: { transport: "tcp", ...server }, proxy });
  }
  // A Wirebook server behind TLS is a --target too; pages find it first.
  targets.sort((one, other) => Number(other.name === "wirebook") - Number(one.name === "wirebook"));
  checkTargets(targets);
  const listens = readListens(settings.listen, targets, settings.allow);
  const authSettings = readAuthSettings({ ...settings, hasTls: tls !== undefined, targets }, (sentence) =>
    source.onNotice?.(sentence),
  );
  return Object.freeze({
    host,
    port,
    targets: Object.freeze(targets),
    server,
    listens: Object.freeze(listens),
    allowed: Object.freeze([...settings.allow]),
    watchBytes: settings.watchMemory * bytesPerMebibyte,
    hasRelay: relay,
    hasLessons: settings.lessons,
    ...authSettings,
    connections,
    origins: Object.freeze([...origin]),
    proxyProtocol,
    pcap,
    trustedProxies: Object.freeze([...trustProxy]),
    metricsFrom: Object.freeze(metricsFrom.map((address) => normalizeAddress(address) ?? address)),
    tls,
    page,
  });
}

function readTarget(text: string): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
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
  if (certPath !== undefined && keyPath !== undefined) return Object.freeze({ certPath, keyPath });
  if (certPath !== undefined) {
    throw new SettingsError(`--tls-cert is ${certPath}, and its private key is missing; type --tls-key FILE as well`);
  }
  if (keyPath !== undefined) {
    throw new SettingsError(`--tls-key is ${keyPath}, and its certificate is missing; type --tls-cert FILE as well`);
  }
  return undefined;
}

/**
 * The options by which users could open what listens there. Every address (`::`, `0.0.0.0`) is none to open, and neither is
 * one with a zone, which no browser takes: then the machine's own name stands for it.
 */
function exampleOrigin(scheme: string, host: string, port: number): string {
  const chosen = port === 0 ? gatewayPortDefault : port;
  const isEveryAddress = host === "0.0.0.0" || normalizeAddress(host) === "::";
  const names = [...(isEveryAddress ? [] : [host]), hostname(), "wirebook.example"];
  const urls = names.map((name) => `${scheme}://${describeHostPort({ host: name, port: chosen })}`);
  const url = urls.find((each) => URL.canParse(each)) ?? "";
  return `${port === 0 ? `--port ${chosen} ` : ""}--origin ${new URL(url).origin}`;
}

/** True for `scheme://host[:port]` exactly as a browser writes it in the Origin header (RFC 6454, section 6.2). */
function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
