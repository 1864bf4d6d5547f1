/**
 * The server as a program. Exit codes: 0 after a request to stop, 1 when it cannot start or its storage failed, 2 for a
 * wrong option, 130 and 143 when a second Ctrl-C or SIGTERM cut the stopping short.
 */

import process from "node:process";
import { isatty } from "node:tty";
import { HistoryError, UsersError } from "@wirebook/history";
import { ListenError } from "@wirebook/net";
import { SettingsError } from "@wirebook/settings";
import { help, readConfig, type Config } from "./config.ts";
import { limitsWithin } from "./limits.ts";
import { listen } from "./server.ts";
import { describeStorage, openHistory, openUsers, warnOfSecret } from "./storage.ts";
import { openLogStream, RequestLog } from "./request-log.ts";

/** Milliseconds for answers that are on their way when the history's storage has failed. */
const failureDrainMs = 500;
/** Milliseconds in which a second signal is the echo of the first: npm passes a Ctrl-C on that the terminal has told of. */
const repeatedSignalMs = 500;
const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;
const noUsersYet = "No user is registered yet, so no request is accepted; run: wirebook users add NAME --role admin";
type StopSignal = keyof typeof signalNumbers;

process.exit(await main());

async function main(): Promise<number> {
  try {
    const config = readConfig({ argv: process.argv.slice(2), env: process.env, onNotice: complain });
    if (config !== undefined) return await run(config);
    process.stdout.write(help);
    return 0;
  } catch (error) {
    complain(explain(error));
    return error instanceof SettingsError ? 2 : 1;
  }
}

async function run(config: Config): Promise<number> {
  process.on("SIGINT", leave).on("SIGTERM", leave);
  await using log = new RequestLog(openLogStream(1) ?? process.stdout, isatty(1));
  const place = describeStorage(config);
  const onNotice = (message: string): void => log.write({ event: "notice", message });
  const warning = warnOfSecret(config, process.argv);
  if (warning !== undefined) onNotice(warning);
  await using history = await openHistory(config, onNotice);
  await using users = await openUsers(config, onNotice);
  const limits = limitsWithin(descriptorsMax());
  await using server = await listen(config, limits, history, users, log);
  const stopSignal = awaitSignal();
  log.write({ event: "listening", ...server.address, history: place, users: config.users });
  // Best effort: `wirebook start` waits for it, and whoever has left waits no more.
  process.send?.("listening", undefined, undefined, () => {});
  if (config.users === "registered" && users.count === 0) onNotice(noUsersYet);

  const reason = await Promise.race([stopSignal, history.ended]);
  const isSignal = typeof reason === "string";
  if (isSignal) log.write({ event: "stopping", message: `${reason}: finishing what was accepted` });
  await server.stop(isSignal ? limits.drainMs : failureDrainMs);
  await history[Symbol.asyncDispose]();
  const failure = await history.ended;
  if (failure === undefined) return 0;
  complain(`the server stopped because its history failed: ${failure.message}`);
  return 1;
}

function complain(sentence: string): void {
  process.stderr.write(`wirebook: ${sentence}\n`);
}

/** Before the server listens it owes no answer, and it may wait long for a cluster. */
function leave(): never {
  process.exit(0);
}

/** The first signal to stop. A second one ends the process at once, unless it is an echo of the first. */
function awaitSignal(): Promise<StopSignal> {
  const { promise, resolve: settle } = Promise.withResolvers<StopSignal>();
  let firstAtMs: number | undefined;
  const take = (signal: StopSignal): void => {
    firstAtMs ??= performance.now();
    settle(signal);
    if (performance.now() - firstAtMs > repeatedSignalMs) process.exit(128 + signalNumbers[signal]);
  };
  // In this order: without any listener for a moment, Node would drop a signal that has just come.
  process.on("SIGINT", take).on("SIGTERM", take);
  process.off("SIGINT", leave).off("SIGTERM", leave);
  return promise;
}

/** How many files the process may have open, where the system says so. */
function descriptorsMax(): number {
  Object.assign(process.report, { excludeNetwork: true }); // Looking up the names of all addresses can take seconds.
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = Number(report.userLimits?.open_files?.soft);
  return Number.isFinite(soft) ? soft : Infinity;
}

/** A sentence for the user where the fault is known, and all that is known where it is not. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isKnown = [SettingsError, ListenError, HistoryError, UsersError].some((family) => error instanceof family);
  return isKnown ? error.message : (error.stack ?? error.message);
}
