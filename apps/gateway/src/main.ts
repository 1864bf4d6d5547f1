/** Starts and stops the gateway; the only file here that uses `process`. */

import { isatty } from "node:tty";
import type { FastifyInstance } from "fastify";
import { describeHostPort, describeTarget, ListenError, toListenError } from "@wirebook/net";
import { SettingsError } from "@wirebook/settings";
import { createApp } from "./app.ts";
import { optionsHelp, pageAddress, readConfig, type GatewayConfig } from "./config.ts";
import { listeningPort } from "./http/access-control.ts";
import { createLog, gatheringSink, readableSink } from "./telemetry/access-log.ts";

const { stdout, stderr } = process;
// Best effort: the gateway goes on when the reader of its log has gone.
stdout.on("error", () => undefined);

const help = `Usage: wirebook gateway [option…]

Serves the page and connects it with TCP services.

  wirebook gateway                                            to a Wirebook server on this machine
  wirebook gateway --target mail=tcp://127.0.0.1:25 --relay   to any service, also for other WebSocket clients

${optionsHelp}`;

try {
  const config = readConfig({ argv: process.argv.slice(2), env: process.env, onNotice: complain });
  if (config === undefined) stdout.write(help);
  else await start(config);
} catch (error) {
  if (!(error instanceof SettingsError) && !(error instanceof ListenError)) throw error;
  complain(error.message);
  process.exit(error instanceof SettingsError ? 2 : 1);
}

function complain(sentence: string): void {
  stderr.write(`wirebook: ${sentence}\n`);
}

async function start(config: GatewayConfig): Promise<void> {
  const logSink = gatheringSink(stdout);
  process.on("exit", () => logSink.flush());
  const app = await createApp(config, { logSink: stdout.isTTY ? readableSink(logSink) : logSink });
  handleSignals(app, config);
  // Fastify would say where it listens, which is announced below.
  app.log.level = "warn";
  await app.listen({ host: config.host, port: config.port }).catch((error: NodeJS.ErrnoException) => {
    throw error instanceof ListenError ? error : toListenError(error, config);
  });
  app.log.level = "info";
  announce(config, app);
  // Best effort: `wirebook start` waits for it, and whoever has left waits no more.
  process.send?.(app.listening.ports, undefined, undefined, () => {});
}

function announce(config: GatewayConfig, app: FastifyInstance): void {
  const { host } = config;
  const port = listeningPort(app);
  const targets = config.targets.map(describeTarget);
  const page = `${pageAddress({ ...config, port })}/`;
  const listening = app.listening.ports.map((each) => `${describeHostPort(each)}=${each.target}`);
  if (!stdout.isTTY) stdout.write(`${JSON.stringify({ event: "listening", host, port, page, targets, listening })}\n`);
  else stdout.write(`Open ${page} (${[...targets, ...listening].join(", ")}). Press Ctrl-C to stop.\n`);
}

/**
 * The first signal lets running exchanges end; the second exits at once. SIGHUP reads a renewed certificate; on a terminal it
 * says that this was closed, and ends the gateway.
 */
function handleSignals(app: FastifyInstance, { tls }: GatewayConfig): void {
  const log = createLog(app.log);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    void app.close().then(() => process.exit(0));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  if ([0, 1, 2].some(isatty)) return;
  process.on("SIGHUP", () => {
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
