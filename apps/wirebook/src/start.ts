/**
 * `wirebook start`, and `npm start` in a checkout: the server and the gateway with its page, until Ctrl-C.
 *
 * Each is a program of its own, reads the environment by itself, and is told the options that were given here. On a terminal the server keeps it, so each request is seen as it comes, and the gateway's log goes into a file.
 * Elsewhere, as in a container or a unit, both write to standard output.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describeHostPort, describeTarget, isLoopback, toListenError } from "@wirebook/net";
import { describeSettings, portOrNone, readSettings, selectOptions, SettingsError } from "@wirebook/settings";
import { readConfig as readGatewayConfig, table as gatewayTable } from "../../gateway/src/config.ts";
import type { GatewayConfig } from "../../gateway/src/config.ts";
import { readConfig as readServerConfig, table as serverTable } from "../../server/src/config.ts";
import type { Config as ServerConfig } from "../../server/src/config.ts";
import { describeStorage } from "../../server/src/storage.ts";

const readyWithinMs = 15_000;
const readyPollMs = 50;
const parentLookMs = 1000;

/** The port whose clients the page shows. */
const listenPortDefault: number | "none" = 5008;

const launcher = fileURLToPath(new URL("../bin/wirebook.mjs", import.meta.url));
const endWithParent = new URL("end-with-parent.mjs", import.meta.url).href;
/** The command as it is typed: a checkout, which has TypeScript, needs npx. */
const command = import.meta.url.endsWith(".ts") ? "npx wirebook" : "wirebook";

/** Both have a host and a port. The server's host is told by its variable, and only the page goes through proxies. */
const { host: _host, port: serverPort, trustProxy: _trustProxy, ...serverPart } = serverTable;
const { port: gatewayPort, server: _server, proxyProtocol: _proxyProtocol, ...gatewayPart } = gatewayTable;
const expects = "a port from 1 to 65535";
const table = {
  serverPort: { ...serverPort, expects, help: "TCP port of the server" },
  gatewayPort: { ...gatewayPort, expects, help: "TCP port of the gateway and its page" },
  listenPort: {
    schema: portOrNone,
    default: listenPortDefault,
    env: "WIREBOOK_LISTEN_PORT",
    form: "PORT",
    expects: "a port from 0 to 65535, of which 0 takes any free port, or none",
    help: "TCP port that leads to the server, and whose clients the page shows; none for no such port",
  },
  ...serverPart,
  ...gatewayPart,
};

const help = `Usage: wirebook start [option…]

Runs the server and the gateway with its page until Ctrl-C. The history is in this folder.

${describeSettings(table)}`;

/** What runs, and how it is told so. */
interface Plan {
  readonly server: ServerConfig;
  readonly serverWords: readonly string[];
  readonly gateway: GatewayConfig;
  readonly gatewayWords: readonly string[];
  /** The port whose clients the page shows; `undefined` for none. */
  readonly listenPort: number | undefined;
  /** The address for a browser. */
  readonly page: string;
}

/**
 * Reads the settings of both programs, to refuse a mistake before anything runs.
 *
 * @throws SettingsError, ListenError
 */
async function readPlan(argv: readonly string[], onNotice: (sentence: string) => void): Promise<Plan | undefined> {
  const source = { env: process.env, onNotice };
  const { settings, options, words, isHelp } = readSettings(table, {
    argv,
    env: { WIREBOOK_LISTEN_PORT: process.env["WIREBOOK_LISTEN_PORT"] },
  });
  if (isHelp) return undefined;
  const [word] = words;
  if (word !== undefined) throw new SettingsError(`${JSON.stringify(word.slice(0, 40))} is not an option; see --help`);
  const portWords = (option: string, port: number): string[] => (options.includes(option) ? [`--port=${port}`] : []);

  const serverWords = [...selectOptions(table, argv, serverPart), ...portWords("--server-port", settings.serverPort)];
  const server = readServerConfig({ ...source, argv: serverWords });
  if (server === undefined) return undefined;
  await assertFree(server, "--server-port");

  const gatewayWords = [
    ...selectOptions(table, argv, gatewayPart),
    ...portWords("--gateway-port", settings.gatewayPort),
    `--server=${describeHostPort({ host: reachable(server.host), port: server.port })}`,
  ];
  const gateway = readGatewayConfig({ ...source, argv: gatewayWords });
  if (gateway === undefined) return undefined;
  await assertFree(gateway, "--gateway-port");
  if (server.port === gateway.port) {
    throw new SettingsError(`server and gateway cannot share port ${server.port}; choose another with --gateway-port`);
  }
  const isAsked = settings.listenPort !== listenPortDefault || options.includes("--listen-port");
  const listenPort = await chooseListenPort(settings.listenPort, isAsked, server, gateway);
  if (listenPort !== undefined) {
    gatewayWords.push(`--listen=127.0.0.1:${listenPort}=wirebook`);
    readGatewayConfig({ env: process.env, argv: gatewayWords });
  }

  // Lessons are for people at this machine, unless the operator has said otherwise.
  const isOwn = isLoopback(gateway.host) && gateway.origins.length === 0 && gateway.trustedProxies.length === 0;
  if (gateway.hasLessons === undefined && isOwn) gatewayWords.push("--lessons");
  return { server, serverWords, gateway, gatewayWords, listenPort, page: pageAddress(gateway) };
}

/** Where the operator gave users an address, it is that: a certificate is for a name, and other machines need one. */
function pageAddress({ host, port, origins: [origin], tls }: GatewayConfig): string {
  if (origin !== undefined && (tls !== undefined || !isLoopback(host))) return origin;
  return new URL(`${tls === undefined ? "http" : "https"}://${describeHostPort({ host, port })}`).origin;
}

/** @throws SettingsError, ListenError */
async function assertFree({ host, port }: { host: string; port: number }, option: string): Promise<void> {
  if (port === 0) throw new SettingsError(`${option} is "0"; type a port from 1 to 65535`);
  await probePort({ host, port }, option);
}

/**
 * The port, which is free, or a free one in place of 0.
 *
 * @throws ListenError
 */
async function probePort({ host, port }: { host: string; port: number }, option: string): Promise<number> {
  const probe = createServer().listen({ host, port });
  try {
    await once(probe, "listening");
  } catch (error) {
    const { message } = toListenError(error as NodeJS.ErrnoException, { host, port });
    throw new Error(message.replaceAll("--port", option), { cause: error });
  }
  const { port: free } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return free;
}

/**
 * The port whose clients the page shows. Where it was not asked for and cannot be had, there is none.
 *
 * @throws SettingsError, ListenError
 */
async function chooseListenPort(
  wanted: number | "none",
  isAsked: boolean,
  server: ServerConfig,
  gateway: GatewayConfig,
): Promise<number | undefined> {
  if (wanted === "none") return undefined;
  const isTaken = wanted === server.port || wanted === gateway.port;
  if (isAsked && gateway.listens.length > 0) {
    throw new SettingsError(`--listen and --listen-port are both there; type --listen ${wanted}=wirebook instead`);
  }
  if (isAsked && isTaken) {
    throw new SettingsError(`port ${wanted} is the server's or the gateway's; choose another with --listen-port`);
  }
  if (!isAsked && (isTaken || gateway.listens.length > 0 || !isLoopback(reachable(server.host)))) return undefined;
  try {
    return await probePort({ host: "127.0.0.1", port: wanted }, "--listen-port");
  } catch (error) {
    if (isAsked) throw error;
    complain(`${(error as Error).message}; for now there is no such port`);
    return undefined;
  }
}

/** An address under which what listens on all of them is reached from here. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** In this folder, one for each port. Nothing runs yet that would be left behind when that fails. */
function openGatewayLog(port: number): { path: string; file: number } {
  const path = join(".wirebook", `gateway-${port}.log`);
  try {
    mkdirSync(dirname(path), { recursive: true });
    return { path, file: openSync(path, "w") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice = "remove what is there, or start it in a folder that this user may write to";
    throw new Error(`the gateway's log ${resolve(path)} cannot be opened (${code}); ${advice}`, { cause: error });
  }
}

/** The programs that run; when one ends, so do the others. */
class Programs {
  readonly #running = new Map<string, ChildProcess>();
  exitCode: number | undefined;

  get count(): number {
    return this.#running.size;
  }

  launch(name: string, words: readonly string[], stdout: number | "inherit"): void {
    const program = spawn(process.execPath, ["--import", endWithParent, launcher, name, ...words], {
      stdio: ["pipe", stdout, "inherit"],
    });
    program.stdin?.on("error", () => {}); // Best effort: nothing is written to it, and the program's end is told by `exit`.
    this.#running.set(name, program);
    program.once("error", (error) => {
      complain(`the ${name} cannot be started (${error.message})`);
      this.#end(name, 1);
    });
    program.once("exit", (code, signal) => {
      if (signal !== null) complain(`the ${name} was ended by ${signal}, so the rest stops, too`);
      this.#end(name, signal === null ? (code ?? 1) : 1);
    });
  }

  /** The programs stop when their standard input ends (end-with-parent.mjs), on every system. */
  stop(): void {
    for (const program of this.#running.values()) program.stdin?.end();
  }

  #end(name: string, code: number): void {
    if (!this.#running.delete(name)) return;
    this.exitCode = Math.max(this.exitCode ?? 0, code);
    this.stop();
    if (this.count === 0) process.exit(this.exitCode);
  }
}

/** Asks the gateway whether it and its server are there. Whose certificate it has is the browser's question, not ours. */
function askReady({ gateway, page }: Plan): Promise<boolean> {
  const { get } = gateway.tls === undefined ? http : https;
  return new Promise((settle) => {
    const where = { host: reachable(gateway.host), port: gateway.port, path: "/readyz" };
    const headers = { host: new URL(page).host };
    const asked = get({ ...where, headers, agent: false, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      settle(answer.statusCode === 200);
    });
    asked.on("error", () => settle(false));
  });
}

async function isReady(plan: Plan, programs: Programs): Promise<boolean> {
  const deadlineMs = performance.now() + readyWithinMs;
  while (performance.now() < deadlineMs && programs.count === 2) {
    if (await askReady(plan)) return true;
    await pause(readyPollMs); // The gateway's log has its events, but not whether the server behind it answers.
  }
  return false;
}

/** What a browser needs besides the address of the page. */
function describeLogin({ auth }: GatewayConfig): string {
  switch (auth?.method) {
    case "basic":
      return `\n    login     a user of ${auth.path}, with the password`;
    case "client-cert":
      return `\n    login     a client certificate of an authority in ${auth.caPath}`;
    case "header":
      return `\n    login     through the proxy that sends ${auth.name}`;
    case "none":
    case undefined:
      return "";
  }
}

function describePlan({ server, gateway, page, listenPort }: Plan, logPath: string | undefined): string {
  const at = server.port === serverTable.port.default ? "" : ` --port ${server.port}`;
  const watched =
    listenPort === undefined
      ? ""
      : `\n    watched   printf 'brick\\n' | nc 127.0.0.1 ${listenPort}\n              ${command} --port ${listenPort} brick 2`;
  const others = gateway.targets.filter(({ name }) => name !== "wirebook");
  const targets = others.map((target) => `\n    target    ${describeTarget(target)}`);
  const log = logPath === undefined ? "" : `, the gateway's log ${logPath}`;
  return `
  Wirebook is running.

    page      ${page}${describeLogin(gateway)}
    client    ${command}${at} brick 2${watched}
    by hand   printf 'brick 2\\n' | nc ${reachable(server.host)} ${server.port}${targets.join("")}

  The history is ${describeStorage(server)}${log}. Ctrl-C stops it.

`;
}

function complain(sentence: string): void {
  process.stderr.write(`wirebook: ${sentence}\n`);
}

/** The programs show their notices themselves, so these are shown only where none is started. */
async function planOrExplain(): Promise<Plan | undefined> {
  const notices: string[] = [];
  try {
    return await readPlan(process.argv.slice(2), (notice) => notices.push(notice));
  } catch (error) {
    for (const notice of notices) complain(notice);
    throw error;
  }
}

async function start(): Promise<void> {
  const plan = await planOrExplain();
  if (plan === undefined) return void process.stdout.write(help);
  const log = process.stdout.isTTY ? openGatewayLog(plan.gateway.port) : undefined;
  const programs = new Programs();
  // Ctrl-C reaches the programs by themselves, as they share the terminal. SIGHUP, for the gateway, is to read its certificate
  // again.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => programs.stop());
  // Best effort: a terminal that is closed takes no words any more, and what was started on it still has to be ended.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  // Where npm alone is ended, the change of parent is all that can be seen.
  const parent = process.ppid;
  if (process.env["npm_lifecycle_event"] !== undefined) {
    setInterval(() => process.ppid === parent || programs.stop(), parentLookMs).unref();
  }
  programs.launch("server", plan.serverWords, "inherit");
  programs.launch("gateway", plan.gatewayWords, log?.file ?? "inherit");
  if (await isReady(plan, programs)) process.stdout.write(describePlan(plan, log?.path));
  else if (programs.exitCode === undefined) {
    programs.exitCode = 1;
    complain(`not ready after ${readyWithinMs / 1000} s; see ${log?.path ?? "the messages above"}`);
    programs.stop();
  }
}

try {
  await start();
} catch (error) {
  complain((error as Error).message);
  process.exit(error instanceof SettingsError ? 2 : 1);
}
