/** `wirebook history`: copies a history from a cluster to a file and from a file to a cluster. */

import { constants, existsSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isNatsAddress } from "@wirebook/history-jetstream/address";
import { quoteText } from "@wirebook/protocol";
import { SettingsError, withoutUserinfo } from "@wirebook/settings";
import { credentialsOf, describeStorage, openHistory, storageTable, type StorageSettings } from "../storage.ts";
import { runCommand, say } from "./run-command.ts";

const usage = `Usage: wirebook history export FILE --history nats://HOST,HOST,HOST/NAME
       wirebook history import FILE --history nats://HOST,HOST,HOST/NAME

Copies a history between a file and a NATS cluster, line by line and byte for byte. export
writes a snapshot into a new FILE, also while servers run. import needs an empty history.
`;

await runCommand(usage, storageTable, async ({ settings, words: [verb, file, ...rest] }) => {
  if (verb !== "export" && verb !== "import") {
    const what = verb === undefined ? "missing command" : `unknown command ${withoutUserinfo(quoteText(verb))}`;
    throw new SettingsError(`${what}; type export FILE or import FILE`);
  }
  if (file === undefined || rest.length > 0) throw new SettingsError(`${verb} takes one file; type: ${verb} FILE`);
  await (verb === "export" ? exportTo : importFrom)(resolve(file), settings);
});

/** The file is whole and on the disk when this says so. */
async function exportTo(path: string, storage: StorageSettings): Promise<void> {
  // Opening would create it.
  if (!isNatsAddress(storage.history) && !existsSync(storage.history)) {
    throw new SettingsError(`there is no ${resolve(storage.history)}; name a history with --history`);
  }
  await using history = await openHistory(storage, say);
  await using snapshot = await history.read();
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  await using file = await open(path, O_WRONLY | O_CREAT | O_EXCL);
  try {
    for await (const chunk of snapshot.chunks) await file.writeFile(chunk);
    await file.datasync();
    await using folder = await open(dirname(path));
    await folder.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
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
