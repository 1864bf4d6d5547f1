/**
 * `wirebook start`, and `npm start` in a checkout: the server and the gateway with its page, until Ctrl-C.
 *
 * Each is a program of its own, reads the environment, and is told the options that were given here. It says over its IPC
 * channel that it listens, and stops when that is closed, however this process ends. The server comes first: of two starts for
 * the same ports, one gets all of them. On a terminal requests are seen as they come, and the gateway's log is a file.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describeHostPort, describeTarget, isLoopback, toListenError, type HostPort } from "@wirebook/net";
import { describeSettings, portNumber, readOptions, selectOptions, SettingsError } from "@wirebook/settings";
import type { NameOf, Setting } from "@wirebook/settings";
import { pageAddress, readConfig as readGatewayConfig, table as gatewayTable } from "../../gateway/src/config.ts";
import type { GatewayConfig } from "../../gateway/src/config.ts";
import type { ListeningPorts } from "../../gateway/src/flows/listening-port.ts";
import { readConfig as readServerConfig, table as serverTable } from "../../server/src/config.ts";
import type { Config as ServerConfig } from "../../server/src/config.ts";
import { findAddress } from "../../server/src/server.ts";
import { describeStorage } from "../../server/src/storage.ts";

const parentLookMs = 1000;

/** Leads to the server, and the page shows its clients, where no `--listen` is given. */
const listenPortDefault = 5008;

const launcher = fileURLToPath(new URL("../bin/wirebook.mjs", import.meta.url));
/** The command as it is typed: a checkout, which has TypeScript, needs npx. */
const command = import.meta.url.endsWith(".ts") ? "npx wirebook" : "wirebook";

/** Both have a host and a port. The server's host is told by its variable, and only the page goes through proxies. */
const { host: _host, port: serverPort, trustProxy: _trustProxy, ...serverPart } = serverTable;
const { port: gatewayPort, server: _server, proxyProtocol: _proxyProtocol, ...gatewayPart } = gatewayTable;
const table = {
  serverPort: { ...serverPort, ...portNumber, help: "TCP port of the server" },
  gatewayPort: { ...gatewayPort, ...portNumber, help: "TCP port of the gateway and its page" },
  ...serverPart,
  ...gatewayPart,
};

const help = `Usage: wirebook start [option…]

Runs the server and the gateway with its page until Ctrl-C. The history is in this folder.

${describeSettings(table)}`;

type Plan = NonNullable<Awaited<ReturnType<typeof readPlan>>>;

/** Reads the settings of both, to refuse a mistake before anything runs; `undefined` for help. @throws SettingsError */
async function readPlan(argv: readonly string[], onNotice: (sentence: string) => void) {
  const { env } = process;
  const read = readOptions(table, { argv, env });
  if (read === undefined) return undefined;
  const { settings, options, nameOf } = read;
  const isGiven = (option: string, setting: Pick<Setting<unknown>, "env">): boolean =>
    options.includes(option) || (env[setting.env] ?? "") !== "";

  const serverWords = selectOptions(table, argv, serverPart);
  if (options.includes("--server-port")) serverWords.push(`--port=${settings.serverPort}`);
  const server = readServerConfig({ env, onNotice, argv: serverWords }) as ServerConfig;
  // Here `--host` is the gateway's.
  const nameOfServer: NameOf<"host" | "port"> = (name, value) =>
    name === "port" ? nameOf("serverPort", value) : [serverTable.host.env, value ?? []].flat().join("=");
  await findAddress(server.host, server.users === "registered" || server.iKnow, nameOfServer);
  await assertFree({ ...server, nameOf: nameOfServer });

  const gatewayWords = selectOptions(table, argv, gatewayPart);
  if (options.includes("--gateway-port")) gatewayWords.push(`--port=${settings.gatewayPort}`);
  gatewayWords.push(`--server=${describeHostPort(reachable(server))}`);
  const gateway = readGatewayConfig({ env, onNotice, argv: gatewayWords }) as GatewayConfig;
  await assertFree({ ...gateway, nameOf: (name, value) => nameOf(name === "port" ? "gatewayPort" : name, value) });
  if (server.port === gateway.port) {
    throw new SettingsError(`server and gateway cannot share port ${server.port}; choose another with --gateway-port`);
  }

  if (!isGiven("--link", serverTable.link)) serverWords.push(`--link=${pageAddress(gateway)}`);
  const watchesDefault = !isGiven("--listen", gatewayTable.listen) && isLoopback(reachable(server).host);
  // The question mark has the gateway choose another port when that one is in use.
  const watched = gateway.port === listenPortDefault ? 0 : listenPortDefault;
  if (watchesDefault) gatewayWords.push(`--listen=127.0.0.1:${watched}?=wirebook`);
  // Lessons are for people at this machine, unless the operator has said otherwise.
  const isOwn = isLoopback(gateway.host) && gateway.origin.length === 0 && gateway.trustProxy.length === 0;
  if (isOwn && !isGiven("--lessons", gatewayTable.lessons)) gatewayWords.push("--lessons");
  return { server, serverWords, gateway, gatewayWords, watchesDefault };
}

async function assertFree(place: Parameters<typeof toListenError>[1]): Promise<void> {
  const probe = createServer().listen({ host: place.host, port: place.port });
  try {
    await once(probe, "listening");
  } catch (error) {
    throw toListenError(error as NodeJS.ErrnoException, place);
  }
  probe.close();
  await once(probe, "close");
}

/** An address under which what listens on all of them is reached from here. */
function reachable({ host, port }: HostPort): HostPort {
  return { host: host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host, port };
}

/** In this folder, one for each port. Nothing runs yet that would be left behind when that fails. */
function openGatewayLog({ port }: GatewayConfig): { path: string; file: number } {
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
const running = new Map<string, ChildProcess>();
let exitCode = 0;

/** Resolves once it listens, with what it says then: the gateway with the ports besides its own. */
async function launch(name: string, words: readonly string[], stdout: number | "inherit"): Promise<unknown> {
  const program = spawn(process.execPath, [launcher, name, ...words], { stdio: ["ignore", stdout, "inherit", "ipc"] });
  running.set(name, program);
  program.once("error", (error) => {
    complain(`the ${name} cannot be started (${error.message})`);
    end(name, 1);
  });
  program.once("exit", (code, signal) => {
    if (signal !== null) complain(`the ${name} was ended by ${signal}, so the rest stops, too`);
    end(name, signal === null ? (code ?? 1) : 1);
  });
  const [message] = (await once(program, "message")) as [unknown];
  return message;
}

/** A program stops when its channel is closed (`main.ts`), on every system. */
function stop(): void {
  for (const program of running.values()) if (program.connected) program.disconnect();
}

function end(name: string, code: number): void {
  running.delete(name);
  exitCode = Math.max(exitCode, code);
  stop();
  if (running.size === 0) process.exit(exitCode);
}

function describe({ server, gateway, watchesDefault }: Plan, ports: ListeningPorts["ports"], logPath?: string): string {
  const at = server.port === serverTable.port.default ? "" : ` --port ${server.port}`;
  const lines = [`page      ${pageAddress(gateway)}`, `client    ${command}${at} brick 2`];
  const [watched] = watchesDefault ? ports : [];
  if (watched !== undefined) {
    const other = watched.port === listenPortDefault ? "" : `   (port ${listenPortDefault} is in use)`;
    lines.push(`watched   printf 'brick\\n' | nc 127.0.0.1 ${watched.port}${other}`);
    lines.push(`          ${command} --port ${watched.port} brick 2`);
  } else {
    // On a terminal nothing else says them, and the system chose the port of `--listen 0=NAME`.
    for (const each of ports) lines.push(`watched   ${describeHostPort(each)} leads to ${each.target}`);
  }
  lines.push(`by hand   printf 'brick 2\\n' | nc ${reachable(server).host} ${server.port}`);
  const others = gateway.targets.filter(({ name }) => name !== "wirebook");
  for (const target of others) lines.push(`target    ${describeTarget(target)}`);
  const log = logPath === undefined ? "" : `, the gateway's log ${logPath}`;
  return `
  Wirebook is running.

${lines.map((line) => `    ${line}\n`).join("")}
  The history is ${describeStorage(server)}${log}. Ctrl-C stops it.

`;
}

function complain(sentence: string): void {
  process.stderr.write(`wirebook: ${sentence}\n`);
}

async function start(): Promise<void> {
  // The programs show their notices themselves, so these are shown only where none is started.
  const notices: string[] = [];
  const plan = await readPlan(process.argv.slice(2), (notice) => notices.push(notice)).catch((error: unknown) => {
    for (const notice of notices) complain(notice);
    throw error;
  });
  if (plan === undefined) return void process.stdout.write(help);
  const log = process.stdout.isTTY ? openGatewayLog(plan.gateway) : undefined;
  // Ctrl-C reaches the programs by themselves, as they share the terminal. SIGHUP would have the gateway read its certificate.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, stop);
  // Best effort: on a terminal that was closed, what was started still has to be ended.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  // Where npm alone is ended, the change of parent is all that can be seen.
  const parent = process.ppid;
  if (process.env["npm_lifecycle_event"] !== undefined) {
    setInterval(() => process.ppid === parent || stop(), parentLookMs).unref();
  }
  await launch("server", plan.serverWords, "inherit");
  const ports = await launch("gateway", plan.gatewayWords, log?.file ?? "inherit");
  process.stdout.write(describe(plan, ports as ListeningPorts["ports"], log?.path));
}

try {
  await start();
} catch (error) {
  complain((error as Error).message);
  process.exit(error instanceof SettingsError ? 2 : 1);
}
