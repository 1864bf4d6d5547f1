/** Starts the gateway and stops it; the only file here that knows of the process. */

import { isatty } from "node:tty";
import type { FastifyInstance } from "fastify";
import { describeTarget } from "@wirebook/net";
import { isLoopback } from "@wirebook/net";
import { SettingsError } from "@wirebook/settings";
import { createApp } from "./app.ts";
import { optionsHelp, readConfig } from "./config.ts";
import type { GatewayConfig } from "./config.ts";
import { listeningPort } from "./http/listening.ts";
import { createLog, gatheringSink, readableSink } from "./telemetry/log.ts";

const { stdout, stderr } = process;
// Best effort: a reader of the log that went away is no reason to stop.
stdout.on("error", () => undefined);

const config = configure();
if (config !== undefined) await start(config);

function configure(): GatewayConfig | undefined {
  try {
    const onNotice = (sentence: string): void => void stderr.write(`gateway: ${sentence}\n`);
    const read = readConfig({ argv: process.argv.slice(2), env: process.env, onNotice });
    if (read === undefined)
      stdout.write(`Serves the page, and its WebSocket in front of a TCP server.\n\n${optionsHelp}`);
    return read;
  } catch (error) {
    return refuse(error);
  }
}

/** The operator's mistake is his sentence and exit code 2; anybody else's is thrown on. */
function refuse(error: unknown): undefined {
  if (!(error instanceof SettingsError)) throw error;
  stderr.write(`gateway: ${error.message}\n`);
  process.exitCode = 2;
}

async function start(settings: GatewayConfig): Promise<void> {
  const { host, port } = settings;
  const scheme = settings.tls === undefined ? "http" : "https";
  const logSink = gatheringSink(stdout);
  process.on("exit", () => logSink.flush());
  const app = await createApp(settings, { logSink: stdout.isTTY ? readableSink(logSink) : logSink }).catch(refuse);
  if (app === undefined) return;
  const stop = stopOnSignal(app);
  if (settings.tls !== undefined) reloadOnSignal(app, stop);
  try {
    // Fastify does not know of the TLS of servers that it did not make.
    const listenTextResolver = (address: string): string => `listening at ${address.replace(/^http:/, `${scheme}:`)}`;
    await app.listen({ host, port, listenTextResolver });
  } catch (error) {
    stderr.write(`gateway: ${explain(error as NodeJS.ErrnoException, settings)}\n`);
    process.exit(1);
  }
  announce(settings, listeningPort(app));
}

function announce(settings: GatewayConfig, port: number): void {
  const { host } = settings;
  const server = describeTarget(settings.server);
  const page = pageAddress(settings, port);
  if (!stdout.isTTY) {
    stdout.write(`${JSON.stringify({ event: "listening", host, port, page, server })}\n`);
    return;
  }
  stdout.write(`The page is at ${page} and speaks to ${server}. Ctrl-C stops.\n`);
}

/** What to type into a browser: beyond loopback that is not where the gateway listens, but what users were given. */
function pageAddress({ host, origins, tls }: GatewayConfig, port: number): string {
  const [origin] = origins;
  if (origin !== undefined && !isLoopback(host)) return `${origin}/`;
  // A browser takes no zone (`::1%lo`), and loopback needs none.
  return `${tls === undefined ? "http" : "https"}://${describeTarget({ host: host.replace(/%.*/, ""), port })}/`;
}

/**
 * SIGHUP, as other servers have it: a renewed certificate is read without a connection being lost. The same signal comes
 * when a terminal is closed, and then ends what was started on it.
 */
function reloadOnSignal(app: FastifyInstance, stop: () => void): void {
  const log = createLog(app.log);
  const terminals = [0, 1, 2].filter(isatty);
  process.on("SIGHUP", () => {
    if (!terminals.every(isatty)) return stop();
    try {
      app.reloadTls();
      log.notice("the certificate was read again; new connections get it");
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      log.notice(`the certificate was not read again: ${error.message}`);
    }
  });
}

/** The first signal lets what runs come to its end; the second does not wait for it. Returns what the first one does. */
function stopOnSignal(app: FastifyInstance): () => void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    void app.close().then(() => process.exit(0));
  };
  const stopOrExit = (): void => (isStopping ? process.exit(1) : stop());
  process.on("SIGINT", stopOrExit);
  process.on("SIGTERM", stopOrExit);
  return stop;
}

function explain({ code, message }: NodeJS.ErrnoException, { host, port }: GatewayConfig): string {
  const where = describeTarget({ host, port });
  if (code === "EADDRINUSE")
    return `something listens on ${where} already; stop it, or choose another port with --port`;
  if (code === "EACCES") return `this user may not listen on ${where}; choose a port from 1024 on with --port`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return `${host} is no address of this machine; choose one that is with --host`;
  }
  return `cannot listen on ${where} (${message})`;
}
