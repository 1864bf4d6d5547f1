/** Debian's nginx, HAProxy and Apache with the configurations of deploy/proxies, on ports and files of the test's own. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findDebianFile } from "../../scripts/debian-programs.mjs";
import { Certificates } from "../certificate.ts";
import { freePort } from "../free-port.ts";
import { openFolder, startService } from "./debian.ts";

const shipped = fileURLToPath(new URL("../../deploy/proxies", import.meta.url));

export const proxyNames = ["nginx", "haproxy", "apache2"] as const;
export type ProxyName = (typeof proxyNames)[number];

/** A reverse proxy that serves `https://localhost:port/wirebook/`. */
export interface Proxy extends AsyncDisposable {
  readonly origin: string;
}

const fileOf = { nginx: "nginx.conf", haproxy: "haproxy.cfg", apache2: "apache.conf" } as const;

/** The options of the gateway as the configuration says to start it, with an origin and a file of users of one's own. */
export function shippedOptions(name: ProxyName, origin: string, usersPath: string): string[] {
  const [, words = ""] = /^# +wirebook gateway (.+)$/m.exec(readFileSync(join(shipped, fileOf[name]), "utf8")) ?? [];
  const [host, users] = ["https://wirebook.example", "/etc/wirebook/passwords"];
  for (const each of [host, users]) {
    if (!words.includes(each)) throw new Error(`deploy/proxies/${fileOf[name]} starts no gateway with ${each}`);
  }
  return words
    .replaceAll("'", "")
    .split(" ")
    .map((word) => word.replace(host, origin).replace(users, usersPath));
}

/** Where the gateway behind it is. */
export interface Upstream {
  readonly port: number;
  /** The certificate of a gateway that speaks TLS itself. */
  readonly certPath?: string;
}

/** What a configuration says, and what the test needs there instead. */
type Replacements = Readonly<Record<string, string>>;

/**
 * Starts a proxy in front of the gateway that `open` starts: the gateway must know the origin, and the proxy the gateway.
 *
 * @param open gets the origin; starts the gateway
 */
export async function startProxy(name: ProxyName, open: (origin: string) => Promise<Upstream>): Promise<Proxy> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder(name));
  const { certPath, keyPath } = await made.use(await Certificates.open()).make("localhost");
  const bundlePath = join(path, "both.pem");
  writeFileSync(bundlePath, (await readFile(certPath, "utf8")) + (await readFile(keyPath, "utf8")));
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const upstream = await open(origin);
  const common = {
    "127.0.0.1:8007": `127.0.0.1:${upstream.port}`,
    "/etc/wirebook/fullchain.pem": certPath,
    "/etc/wirebook/privkey.pem": keyPath,
    "/etc/wirebook/certificate-and-key.pem": bundlePath,
  };
  const [program, words] = {
    nginx: () => nginx(path, port, common, upstream.certPath),
    haproxy: () => haproxy(path, port, common),
    apache2: () => apache(path, port, common),
  }[name]();
  made.use(await startService(program, () => words, { port, stopSignal: "SIGTERM" }));
  const held = made.move();
  return { origin, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

type Command = readonly [program: string, args: readonly string[]];

function nginx(path: string, port: number, common: Replacements, certPath: string | undefined): Command {
  const trust = `https://127.0.0.1:${common["127.0.0.1:8007"]?.split(":")[1]}/;
        proxy_ssl_name localhost;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate ${certPath}`;
  const text = adapt(fileOf.nginx, {
    ...(certPath === undefined ? {} : { "http://127.0.0.1:8007/": trust }),
    ...common,
    "listen 443": `listen 127.0.0.1:${port}`,
    "server_name wirebook.example": "server_name localhost",
  });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((each) => `${each}_temp_path ${path}/t;`);
  const whole = `daemon off; pid ${path}/pid; error_log stderr; events {}\nhttp { access_log off; ${temporary.join(" ")}\n${text}}\n`;
  writeFileSync(join(path, "nginx.conf"), whole);
  return ["nginx", ["-p", path, "-e", "stderr", "-c", join(path, "nginx.conf")]];
}

function haproxy(path: string, port: number, common: Replacements): Command {
  const text = adapt(fileOf.haproxy, { ...common, "bind :443": `bind 127.0.0.1:${port}` });
  writeFileSync(join(path, "haproxy.cfg"), text);
  return ["haproxy", ["-db", "-f", join(path, "haproxy.cfg")]];
}

function apache(path: string, port: number, common: Replacements): Command {
  const text = adapt(fileOf.apache2, {
    ...common,
    "*:443": `127.0.0.1:${port}`,
    "ServerName wirebook.example": "ServerName localhost",
  });
  const modules = findDebianFile("usr/lib/apache2/modules") ?? "";
  const loaded = ["mpm_event", "authz_core", "alias", "headers", "socache_shmcb", "ssl", "http2", "proxy"];
  const lines = [...loaded, "proxy_http"].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`);
  mkdirSync(join(path, "run"));
  const own = [
    `ServerRoot ${path}`,
    `DefaultRuntimeDir ${path}/run`,
    `PidFile ${path}/pid`,
    `ErrorLog ${path}/error.log`,
    "ServerName localhost",
    ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
    `Listen 127.0.0.1:${port}`,
  ];
  writeFileSync(join(path, "apache.conf"), [...lines, ...own, text].join("\n"));
  return ["apache2", ["-X", "-f", join(path, "apache.conf")]];
}

/** A shipped configuration with some texts replaced. @throws Error when one is not there any more */
function adapt(file: string, replacements: Replacements): string {
  let text = readFileSync(join(shipped, file), "utf8").replaceAll(/^\s*#.*$/gm, "");
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from) && !from.startsWith("/etc/wirebook/") && !text.includes(to)) {
      throw new Error(`deploy/proxies/${file} does not say ${from}`);
    }
    text = text.replaceAll(from, to);
  }
  return text;
}
