/**
 * `wirebook start`, and `npm start` in a checkout: the server and the gateway with its page, until Ctrl-C.
 *
 * Each is a program of its own, reads the environment by itself, and is told the options that were given here. It says over
 * its IPC channel that it listens, and stops when that channel is closed, however this process ends. On a terminal the server
 * keeps it, so each request is seen as it comes, and the gateway's log goes into a file. Elsewhere, as in a container or a
 * unit, both write to standard output.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describeHostPort, describeTarget, isLoopback, toListenError } from "@wirebook/net";
import { describeSettings, readSettings, selectOptions, SettingsError } from "@wirebook/settings";
import { readConfig as readGatewayConfig, table as gatewayTable } from "../../gateway/src/config.ts";
import type { GatewayConfig } from "../../gateway/src/config.ts";
import { readConfig as readServerConfig, table as serverTable } from "../../server/src/config.ts";
import type { Config as ServerConfig } from "../../server/src/config.ts";
import { describeStorage } from "../../server/src/storage.ts";

const readyWithinMs = 15_000;
const parentLookMs = 1000;

/** The port that leads to the server and whose clients the page shows, where no `--listen` is given. */
const listenPortDefault = 5008;

const launcher = fileURLToPath(new URL("../bin/wirebook.mjs", import.meta.url));
/** The command as it is typed: a checkout, which has TypeScript, needs npx. */
const command = import.meta.url.endsWith(".ts") ? "npx wirebook" : "wirebook";

/** Both have a host and a port. The server's host is told by its variable, and only the page goes through proxies. */
const { host: _host, port: serverPort, trustProxy: _trustProxy, ...serverPart } = serverTable;
const { port: gatewayPort, server: _server, proxyProtocol: _proxyProtocol, ...gatewayPart } = gatewayTable;
const expects = "a port from 1 to 65535";
const table = {
  serverPort: { ...serverPort, expects, help: "TCP port of the server" },
  gatewayPort: { ...gatewayPort, expects, help: "TCP port of the gateway and its page" },
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
  const { env } = process;
  const { settings, options, words, isHelp } = readSettings(table, { argv, env: {} });
  if (isHelp) return undefined;
  const [word] = words;
  if (word !== undefined) throw new SettingsError(`${JSON.stringify(word.slice(0, 40))} is not an option; see --help`);
  const portWords = (option: string, port: number): string[] => (options.includes(option) ? [`--port=${port}`] : []);

  const serverWords = [...selectOptions(table, argv, serverPart), ...portWords("--server-port", settings.serverPort)];
  const server = readServerConfig({ env, onNotice, argv: serverWords });
  if (server === undefined) return undefined;
  await assertFree(server, "--server-port");

  const gatewayWords = [
    ...selectOptions(table, argv, gatewayPart),
    ...portWords("--gateway-port", settings.gatewayPort),
    `--server=${describeHostPort({ host: reachable(server.host), port: server.port })}`,
  ];
  const gateway = readGatewayConfig({ env, onNotice, argv: gatewayWords });
  if (gateway === undefined) return undefined;
  await assertFree(gateway, "--gateway-port");
  if (server.port === gateway.port) {
    throw new SettingsError(`server and gateway cannot share port ${server.port}; choose another with --gateway-port`);
  }
  const listenPort = await chooseListenPort(server, gateway);
  if (listenPort !== undefined) gatewayWords.push(`--listen=127.0.0.1:${listenPort}=wirebook`);

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
  const probe = createServer().listen({ host, port });
  try {
    await once(probe, "listening");
  } catch (error) {
    const { message } = toListenError(error as NodeJS.ErrnoException, { host, port });
    throw new Error(message.replaceAll("--port", option), { cause: error });
  }
  probe.close();
  await once(probe, "close");
}

/** `undefined` where the operator listens elsewhere, and where the port cannot be had. */
async function chooseListenPort(server: ServerConfig, gateway: GatewayConfig): Promise<number | undefined> {
  const port = listenPortDefault;
  const isTaken = port === server.port || port === gateway.port;
  if (isTaken || gateway.listens.length > 0 || !isLoopback(reachable(server.host))) return undefined;
  try {
    await assertFree({ host: "127.0.0.1", port }, "--listen");
    return port;
  } catch {
    complain(`port ${port} is in use, so no program is watched; choose another port: --listen ${port + 1}=wirebook`);
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

  /** Resolves once the program listens. */
  async launch(name: string, words: readonly string[], stdout: number | "inherit"): Promise<void> {
    const program = spawn(process.execPath, [launcher, name, ...words], {
      stdio: ["ignore", stdout, "inherit", "ipc"],
    });
    this.#running.set(name, program);
    program.once("error", (error) => {
      complain(`the ${name} cannot be started (${error.message})`);
      this.#end(name, 1);
    });
    program.once("exit", (code, signal) => {
      if (signal !== null) complain(`the ${name} was ended by ${signal}, so the rest stops, too`);
      this.#end(name, signal === null ? (code ?? 1) : 1);
    });
    await once(program, "message");
  }

  /** A program stops when its channel is closed (`main.ts`), on every system. */
  stop(): void {
    for (const program of this.#running.values()) if (program.connected) program.disconnect();
  }

  #end(name: string, code: number): void {
    if (!this.#running.delete(name)) return;
    this.exitCode = Math.max(this.exitCode ?? 0, code);
    this.stop();
    if (this.#running.size === 0) process.exit(this.exitCode);
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

    page      ${page}
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
  const ready = Promise.all([
    programs.launch("server", plan.serverWords, "inherit"),
    programs.launch("gateway", plan.gatewayWords, log?.file ?? "inherit"),
  ]);
  const isReady = await Promise.race([ready.then(() => true), pause(readyWithinMs, false, { ref: false })]);
  if (isReady) process.stdout.write(describePlan(plan, log?.path));
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
