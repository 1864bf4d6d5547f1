/**
 * `npm run history`: a history from a cluster to a file and from a file to a cluster.
 *
 * Exit codes: 0 done, 1 not done, 2 wrong usage.
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { HistoryError } from "@wirebook/history";
import { isNatsAddress } from "@wirebook/history-jetstream/address";
import { SettingsError } from "@wirebook/settings";
import { credentialsOf, describeStorage, openHistory, warnOfSecret } from "../storage.ts";
import type { StorageSettings } from "../storage.ts";
import { help, readTask } from "./history-options.ts";
import type { Task } from "./history-options.ts";

// The NATS client leaves a connection behind to a node that is frozen, which would keep the process.
process.exit(await main());

async function main(): Promise<number> {
  try {
    const task = readTask({ argv: process.argv.slice(2), env: process.env });
    if (task.verb === "help") process.stdout.write(help);
    else await perform(task);
    return 0;
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof HistoryError || isSystems(error))) throw error;
    say(isSystems(error) ? explain(error) : error.message);
    return error instanceof SettingsError ? 2 : 1;
  }
}

async function perform({ verb, file, storage }: Exclude<Task, { readonly verb: "help" }>): Promise<void> {
  const warning = warnOfSecret(storage, process.argv);
  if (warning !== undefined) say(warning);
  if (verb === "export") await exportTo(resolve(file), storage);
  else await importFrom(resolve(file), storage);
}

/** The file is whole and on the disk when this says so. */
async function exportTo(path: string, storage: StorageSettings): Promise<void> {
  await using history = await openHistory(storage, say);
  await using snapshot = await history.read();
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  await using file = await open(path, O_WRONLY | O_CREAT | O_EXCL);
  for await (const chunk of snapshot.chunks) await file.writeFile(chunk);
  await file.datasync();
  say(`${snapshot.to - snapshot.from + 1} lines of ${describeStorage(storage)} are in ${path}.`);
}

async function importFrom(path: string, storage: StorageSettings): Promise<void> {
  if (!isNatsAddress(storage.history)) {
    throw new SettingsError(
      `a history in a file needs no import: stop its server and copy ${path} to ${storage.history}; or name a cluster with --history`,
    );
  }
  await using file = await open(path);
  const { importIntoJetStream } = await import("@wirebook/history-jetstream");
  const lines = await importIntoJetStream(storage.history, file.createReadStream(), credentialsOf(storage));
  say(`${lines} lines of ${path} are in ${describeStorage(storage)}, in the same order and with their times.`);
}

/** True for what the operating system said of a file. */
function isSystems(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

function explain({ code, path = "the file", message }: NodeJS.ErrnoException): string {
  switch (code) {
    case "EEXIST":
      return `${path} is there already, and is left as it is; name a file that is not`;
    case "ENOENT":
      return `there is no ${path}, or no folder for it; name a file in a folder that is there`;
    case undefined:
    default:
      return message;
  }
}

function say(sentence: string): void {
  process.stderr.write(`wirebook: ${sentence}\n`);
}
