/**
 * `npm start`: installs and builds what is missing, then runs the server and the gateway until Ctrl-C.
 *
 * The server keeps the terminal, so each request is seen as it comes; the gateway's log goes to `.wirebook/gateway-PORT.log`.
 */

import { spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { pageLink } from "./page-link.mjs";
import { buildPage, installPackages, node, root, say } from "./installed.mjs";

const host = "127.0.0.1";
const readyWithinMs = 15_000;
const readyPollMs = 50;
const parentLookMs = 1000;
const endWithParent = new URL("end-with-parent.mjs", import.meta.url).href;

const usage = `npm start -- [--server-port 5007] [--gateway-port 8007] [--history history.txt] [--tls-cert FILE --tls-key FILE]
             [--target NAME=URL]… [--relay] [--auth none]

Installs and builds what is missing, then runs the server and the gateway until Ctrl-C.

  --target mail=tcp://127.0.0.1:25   another service that the page may reach; may be repeated
  --relay                            let any WebSocket client reach each target at /tcp/NAME
  --auth none                        lend everybody here the gateway's right to a Unix socket or a client certificate
`;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        "server-port": { type: "string" },
        "gateway-port": { type: "string" },
        history: { type: "string", default: process.env.WIREBOOK_HISTORY || "history.txt" },
        "tls-cert": { type: "string", default: process.env.WIREBOOK_TLS_CERT || "" },
        "tls-key": { type: "string", default: process.env.WIREBOOK_TLS_KEY || "" },
        target: { type: "string", multiple: true, default: [] },
        relay: { type: "boolean", default: false },
        auth: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    values["server-port"] ??= portFromEnvironment("WIREBOOK_PORT", "5007");
    values["gateway-port"] ??= portFromEnvironment("WIREBOOK_GATEWAY_PORT", "8007");
    return values;
  } catch (error) {
    console.error(`wirebook: ${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

/** As libs/settings has it, which is not installed yet: an address is what Kubernetes sets for a Service of that name. */
function portFromEnvironment(name, otherwise) {
  const text = process.env[name] || otherwise;
  if (!/^(?:tcp|udp|sctp):\/\/\S+:\d+$/.test(text)) return text;
  const why = "which Kubernetes or Docker sets for a service of that name";
  console.error(`wirebook: ${name} is "${text.slice(0, 40)}", ${why}; it is ignored, and the port is ${otherwise}`);
  return otherwise;
}

/** The port as a number, when it is one and free; otherwise a sentence and the end. */
async function freePort(option, text) {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    console.error(`wirebook: --${option} is "${text}"; type a port from 1 to 65535`);
    process.exit(2);
  }
  const probe = createServer();
  const problem = await new Promise((resolve) => {
    probe.once("error", resolve);
    probe.listen({ host, port }, () => probe.close(() => resolve(undefined)));
  });
  if (problem === undefined) return port;
  const other = port + 10 <= 65_535 ? port + 10 : port - 10;
  const why =
    problem.code === "EADDRINUSE" ? "is taken (perhaps by another Wirebook)" : `cannot be used (${problem.code})`;
  console.error(`wirebook: port ${port} ${why}; choose another: npm start -- --${option} ${other}`);
  process.exit(1);
}

/** Nothing runs yet that would be left behind when that fails. */
function openGatewayLog() {
  const path = join(root, gatewayLog);
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "w");
  } catch (error) {
    const advice = "remove what is there, or let this user write to that folder";
    console.error(`wirebook: the gateway's log ${path} cannot be opened (${error.code}); ${advice}`);
    process.exit(1);
  }
}

const options = readOptions();
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const serverPort = await freePort("server-port", options["server-port"]);
const gatewayPort = await freePort("gateway-port", options["gateway-port"]);
if (serverPort === gatewayPort) {
  console.error(
    `wirebook: server and gateway cannot share port ${serverPort}; choose two: npm start -- --server-port 5007 --gateway-port 8007`,
  );
  process.exit(2);
}
/** One for each port, as several may run from the same checkout. */
const gatewayLog = join(".wirebook", `gateway-${gatewayPort}.log`);
const gatewayLogFile = openGatewayLog();
installPackages();
buildPage();

const scheme = options["tls-cert"] === "" ? "http" : "https";
const link = pageLink(options["tls-cert"], gatewayPort);
/** Where the operator named origins, the gateway goes by those alone. */
const isOriginNamed = Boolean(process.env.WIREBOOK_ORIGIN);

/** The programs that run; when one ends, so do the others. */
const running = new Map();
let exitCode;

function launch(name, words, stdout) {
  const program = spawn(node, ["--import", endWithParent, ...words], { cwd: root, stdio: ["pipe", stdout, "inherit"] });
  program.stdin.on("error", () => {}); // Best effort: nothing is written to it, and the program's end is told by `exit`.
  running.set(name, program);
  program.once("error", (error) => {
    console.error(`wirebook: the ${name} cannot be started (${error.message})`);
    ended(name, 1);
  });
  program.once("exit", (code, signal) => {
    if (signal !== null) console.error(`wirebook: the ${name} was ended by ${signal}, so the rest stops, too`);
    ended(name, signal === null ? (code ?? 1) : 1);
  });
}

function ended(name, code) {
  if (!running.delete(name)) return;
  exitCode = Math.max(exitCode ?? 0, code);
  stop();
  if (running.size === 0) process.exit(exitCode);
}

function stop() {
  for (const program of running.values()) program.kill("SIGTERM");
}

// Ctrl-C reaches the programs by themselves, as they share the terminal. SIGHUP, for the gateway, is to read its certificate
// again. Where npm alone is ended, the change of parent is all that can be seen; the programs see the end of this one
// by themselves, even when it is killed (end-with-parent.mjs).
process.on("SIGINT", () => {});
process.on("SIGTERM", stop);
process.on("SIGHUP", stop);
// Best effort: a terminal that is closed takes no words any more, and what was started on it still has to be ended.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const parent = process.ppid;
setInterval(() => process.ppid === parent || stop(), parentLookMs).unref();

launch(
  "server",
  ["apps/server/src/main.ts", "--host", host, "--port", String(serverPort), "--history", options.history],
  "inherit",
);
launch(
  "gateway",
  [
    "apps/gateway/bin/wirebook-gateway.mjs",
    "--host",
    host,
    "--port",
    String(gatewayPort),
    "--server",
    `${host}:${serverPort}`,
    ...["tls-cert", "tls-key"].flatMap((name) => (options[name] === "" ? [] : [`--${name}`, options[name]])),
    ...options.target.flatMap((target) => ["--target", target]),
    ...(options.relay ? ["--relay"] : []),
    ...(options.auth === undefined ? [] : ["--auth", options.auth]),
    ...(link.isForeign && !isOriginNamed ? ["--origin", link.url] : []),
  ],
  gatewayLogFile,
);

/** Asks the gateway whether it and its server are there. Whose certificate it has is the browser's question, not ours. */
function askReady() {
  const { get } = scheme === "https" ? https : http;
  return new Promise((resolve) => {
    const where = { host, port: gatewayPort, path: "/readyz", agent: false, rejectUnauthorized: false };
    const asked = get(where, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("error", () => resolve(false));
  });
}

/** Resolves when the page can be opened and the server answers behind it. */
async function ready() {
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline && running.size === 2) {
    if (await askReady()) return true;
    await pause(readyPollMs); // The gateway's log has its events, but not whether the server behind it answers.
  }
  return false;
}

if (await ready()) {
  const at = serverPort === 5007 ? "" : ` --port ${serverPort}`;
  const page = link.isForeign ? `${link.url} (that name must lead to ${host} here)` : link.url;
  console.log(`
  Wirebook is running.

    page      ${page}
    client    npx wirebook${at} brick 2
    by hand   printf 'brick 2\\n' | nc ${host} ${serverPort}${options.target.map((each) => `\n    target    ${each.replace(/[?].*/, "")}`).join("")}

  The history is ${options.history}, the gateway's log ${gatewayLog}. Ctrl-C stops it.
`);
} else if (exitCode === undefined) {
  exitCode = 1;
  say(`not ready after ${readyWithinMs / 1000} s; see ${gatewayLog}`);
  stop();
}
