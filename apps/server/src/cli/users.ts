/**
 * `npm run users`: the users of a server, changed while it runs or while it does not [U-10].
 *
 * A new key goes to standard output alone, once; everything said about it goes to standard error.
 */

import { resolve } from "node:path";
import process from "node:process";
import { UsersError, readUsersCopy, writeUsersCopy } from "@wirebook/history";
import type { User, Users } from "@wirebook/history";
import { help, readTask } from "./users-options.ts";
import type { Task } from "./users-options.ts";
import { runCommand, say } from "./run-command.ts";
import { describeStorage, openUsers } from "../storage.ts";
import { createKey, hashKey } from "../auth/key.ts";

await runCommand({ help, readTask, perform });

async function perform(task: Task): Promise<void> {
  await using users = await openUsers(task.storage, say);
  switch (task.verb) {
    case "list":
      process.stdout.write(tableOf(await users.list()));
      return;
    case "add": {
      const { name, role } = task;
      const key = createKey();
      const createdAt = new Date().toISOString();
      await users.add({ name, role, keyHash: hashKey(name, key), createdAt, createdBy: "-" });
      process.stdout.write(`${name}~${key}\n`);
      say(
        `${name} is registered, as ${role}. The word above is what ${name} types as the username; it is shown only now.`,
      );
      return;
    }
    case "remove":
      await remove(users, task.name);
      return;
    case "export": {
      const all = await users.list();
      const path = resolve(task.file);
      writeUsersCopy(path, all);
      say(`${path} has the ${countOf(all.length)} of ${describeStorage(task.storage)}, with the hashes of their keys.`);
      return;
    }
    case "import":
      await importFrom(resolve(task.file), users, describeStorage(task.storage));
  }
}

/**
 * Registers the users of a file as they are. A user who exists already with the same key stays as it is, so an import that
 * was interrupted can be repeated. A name that another user has there is skipped.
 *
 * @throws UsersError `name-taken` when names were skipped; the other users are registered
 */
async function importFrom(path: string, users: Users, place: string): Promise<void> {
  const wanted = readUsersCopy(path);
  const taken: string[] = [];
  let added = 0;
  for (const user of wanted) {
    try {
      await users.add(user);
      added += 1;
    } catch (error) {
      if (!(error instanceof UsersError && error.code === "name-taken")) throw error;
      const isSame = users.find(user.name)?.keyHash === user.keyHash;
      if (!isSame) taken.push(user.name);
    }
  }
  const known = wanted.length - added - taken.length;
  say(`Registered in ${place}, with the keys they had: ${countOf(added)} of ${path}; ${known} more had been before.`);
  if (taken.length === 0) return;
  throw new UsersError("name-taken", `Skipped, because another user has the name there: ${taken.join(", ")}`);
}

/** Users that the removed one created stay, which the operator may not want. */
async function remove(users: Users, name: string): Promise<void> {
  const removed = await users.remove(name);
  say(`${removed.name} is removed; the server knows it within 0.1 s.`);
  const left = (await users.list()).filter(({ createdBy }) => createdBy === removed.name).map((user) => user.name);
  if (left.length > 0) say(`Users that ${removed.name} created and that stay: ${left.join(", ")}`);
}

function countOf(users: number): string {
  return users === 1 ? "1 user" : `${users} users`;
}

function tableOf(users: readonly User[]): string {
  const rows = users.map(({ name, role, createdAt, createdBy }) => [name, role, createdAt, createdBy]);
  const all = [["NAME", "ROLE", "CREATED", "BY"], ...rows];
  const widths = [0, 1, 2].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  return all.map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}\n`).join("");
}
