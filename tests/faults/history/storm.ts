import { readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { openFileHistory } from "@wirebook/history";
import type { ServerProgram } from "../../../test-support/programs.ts";
import { follow } from "./follower.ts";
import type { Ledger } from "./ledger.ts";
import type { Writers } from "./writers.ts";

/**
 * Lets a server have followers and writers until it is gone, by `end` or by itself.
 *
 * @param end resolves when it has made an end of the server
 */
export async function storm(
  server: ServerProgram,
  ledger: Ledger,
  writers: Writers,
  end: () => Promise<unknown>,
): Promise<void> {
  const { gone } = await follow(server.port, ledger);
  await Promise.all([writers.run(server.port), end()]);
  await gone;
}

/** The file as the next start recovers it. */
export async function recover(path: string): Promise<string> {
  await (await openFileHistory(path))[Symbol.asyncDispose]();
  return readFile(path, "utf8");
}

/** Lets a server that strace makes fail have writers, until it ends; true when it does so by itself in so many milliseconds. */
export async function failsWithin(
  starting: Promise<ServerProgram>,
  ms: number,
  ledger: Ledger,
  writers: Writers,
): Promise<boolean> {
  await using server = await starting.catch((error: unknown) => {
    if (error instanceof Error && error.message.includes("before it listened")) return undefined;
    throw error;
  });
  if (server === undefined) return true;
  let isByItself = false;
  await storm(server, ledger, writers, async () => {
    isByItself = await endsWithin(server, ms);
  });
  return isByItself;
}

/** True when a server under strace ends by itself in so many milliseconds; otherwise it is killed. */
async function endsWithin(server: ServerProgram, ms: number): Promise<boolean> {
  const exited = server.exited.then(() => true);
  const isOver = await Promise.race([exited, wait(ms, false, { ref: false })]);
  if (isOver) return true;
  // The server itself: strace, when it is killed, lets it go on. The lock has its number.
  const pid = Number.parseInt(await readFile(`${server.historyPath}.lock`, "utf8"), 10);
  if (pid > 0) process.kill(pid, "SIGKILL");
  await exited;
  return false;
}
