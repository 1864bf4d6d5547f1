/** Starts the gateway and stops it; the only file here that knows of the process. */

import type { FastifyInstance } from "fastify";
import { describeTarget } from "@wirebook/exchange";
import { SettingsError } from "@wirebook/settings";
import { createApp, listeningPort } from "./app.ts";
import { optionsHelp, readConfig } from "./config.ts";
import type { GatewayConfig } from "./config.ts";
import { readableSink } from "./log.ts";

const { stdout, stderr } = process;
// Best effort: a reader of the log that went away is no reason to stop.
stdout.on("error", () => undefined);

const config = configure();
if (config !== undefined) await start(config);

function configure(): GatewayConfig | undefined {
  try {
    const read = readConfig({ argv: process.argv.slice(2), env: process.env });
    if (read === undefined)
      stdout.write(`Serves the page, and its WebSocket in front of a TCP server.\n\n${optionsHelp}`);
    return read;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    stderr.write(`gateway: ${error.message}\n`);
    process.exitCode = 2;
    return undefined;
  }
}

async function start(settings: GatewayConfig): Promise<void> {
  const { host, port } = settings;
  const app = await createApp(settings, { logSink: stdout.isTTY ? readableSink(stdout) : stdout });
  stopOnSignal(app);
  try {
    await app.listen({ host, port });
  } catch (error) {
    stderr.write(`gateway: ${explain(error as NodeJS.ErrnoException, settings)}\n`);
    process.exit(1);
  }
  announce(settings, listeningPort(app));
}

function announce({ host, server }: GatewayConfig, port: number): void {
  const serverName = describeTarget(server);
  if (!stdout.isTTY) {
    stdout.write(`${JSON.stringify({ event: "listening", host, port, server: serverName })}\n`);
    return;
  }
  stdout.write(`The page is at http://${describeTarget({ host, port })}/ and speaks to ${serverName}. Ctrl-C stops.\n`);
}

/** The first signal lets what runs come to its end; the second does not wait for it. */
function stopOnSignal(app: FastifyInstance): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    void app.close().then(() => process.exit(0));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
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
