/** Starts and stops the gateway; the only file here that uses `process`. */

import { isatty } from "node:tty";
import type { FastifyInstance } from "fastify";
import { describeHostPort, describeTarget, isLoopback, ListenError, toListenError } from "@wirebook/net";
import { SettingsError } from "@wirebook/settings";
import { createApp } from "./app.ts";
import { optionsHelp, readConfig } from "./config.ts";
import type { GatewayConfig } from "./config.ts";
import { listeningPort } from "./http/http-servers.ts";
import { createLog, gatheringSink, readableSink } from "./telemetry/access-log.ts";

const { stdout, stderr } = process;
// Best effort: the gateway goes on when the reader of its log has gone.
stdout.on("error", () => undefined);

const help = `Usage: wirebook gateway [option…]

Serves the page and connects it with TCP services.

  wirebook gateway                                            to a Wirebook server on this machine
  wirebook gateway --target mail=tcp://127.0.0.1:25 --relay   to any service, also for other WebSocket clients

${optionsHelp}`;

const config = configure();
if (config !== undefined) await start(config);

function configure(): GatewayConfig | undefined {
  try {
    const onNotice = (message: string): void => void stderr.write(`wirebook: ${message}\n`);
    const read = readConfig({ argv: process.argv.slice(2), env: process.env, onNotice });
    if (read === undefined) stdout.write(help);
    return read;
  } catch (error) {
    return refuse(error);
  }
}

/** An error in the settings is printed, with exit code 2; any other is thrown. */
function refuse(error: unknown): undefined {
  if (!(error instanceof SettingsError)) throw error;
  stderr.write(`wirebook: ${error.message}\n`);
  process.exitCode = 2;
}

async function start(settings: GatewayConfig): Promise<void> {
  const { host, port } = settings;
  const logSink = gatheringSink(stdout);
  process.on("exit", () => logSink.flush());
  const app = await createApp(settings, { logSink: stdout.isTTY ? readableSink(logSink) : logSink }).catch(refuse);
  if (app === undefined) return;
  const stop = stopOnSignal(app);
  if (settings.tls !== undefined || app.reloadUsers !== undefined) reloadOnSignal(app, settings, stop);
  try {
    // Fastify would say where it listens, which is announced below.
    app.log.level = "warn";
    await app.listen({ host, port });
    app.log.level = "info";
  } catch (error) {
    const { message } = error instanceof ListenError ? error : toListenError(error as NodeJS.ErrnoException, settings);
    stderr.write(`wirebook: ${message}\n`);
    process.exit(1);
  }
  announce(settings, app);
  // Best effort: `wirebook start` waits for it, and whoever has left waits no more.
  process.send?.("listening", undefined, undefined, () => {});
}

function announce(settings: GatewayConfig, app: FastifyInstance): void {
  const { host } = settings;
  const port = listeningPort(app);
  const targets = settings.targets.map(describeTarget);
  const page = pageAddress(settings, port);
  const listening = app.listening.ports.map((each) => `${describeHostPort(each)}=${each.target}`);
  if (!stdout.isTTY) {
    stdout.write(`${JSON.stringify({ event: "listening", host, port, page, targets, listening })}\n`);
    return;
  }
  stdout.write(`Open ${page} (${[...targets, ...listening].join(", ")}). Press Ctrl-C to stop.\n`);
}

/** The address for a browser: beyond loopback it is the one that users were given, not where the gateway listens. */
function pageAddress({ host, origins, tls }: GatewayConfig, port: number): string {
  const [origin] = origins;
  if (origin !== undefined && !isLoopback(host)) return `${origin}/`;
  // A browser accepts no zone (`::1%lo`), and loopback needs none.
  return `${tls === undefined ? "http" : "https"}://${describeHostPort({ host: host.replace(/%.*/, ""), port })}/`;
}

/**
 * SIGHUP reads a renewed certificate and the users, as in other servers, and no connection is lost. The same signal comes
 * when a terminal is closed, and then stops a gateway that was started on it.
 */
function reloadOnSignal(app: FastifyInstance, { tls }: GatewayConfig, stop: () => void): void {
  const log = createLog(app.log);
  const terminals = [0, 1, 2].filter(isatty);
  process.on("SIGHUP", () => {
    if (!terminals.every(isatty)) return stop();
    app.reloadUsers?.();
    if (tls === undefined) return;
    try {
      app.reloadTls();
      log.notice("read the certificate again; new connections get it");
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      log.notice(`cannot read the certificate again: ${error.message}`);
    }
  });
}

/** The first signal lets running exchanges end; the second exits at once. Returns what the first one does. */
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
