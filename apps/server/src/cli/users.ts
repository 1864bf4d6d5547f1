/** `wirebook users`: the users of a server, changed while it runs or while it does not [U-10]. */

import { resolve } from "node:path";
import { UsersError, readUsersCopy, writeUsersCopy, type User, type Users } from "@wirebook/history";
import { isName, nameCharactersMax, quoteText, redactKeys, roles, type Role } from "@wirebook/protocol";
import { choiceOption, localTime, SettingsError, withoutUserinfo } from "@wirebook/settings";
import { createKey, hashKey } from "../auth/auth.ts";
import { describeStorage, openUsers, storageTable } from "../storage.ts";
import { print, runCommand, say } from "./run-command.ts";

const usage = `Usage: wirebook users add NAME [option…]
       wirebook users list
       wirebook users remove NAME
       wirebook users export FILE
       wirebook users import FILE

Manages the registered users of a Wirebook server. A running server applies a change within
0.1 s. import registers the users of a users.txt or of an export, and keeps their keys.
`;

const table = {
  role: choiceOption(roles, {
    default: "member",
    env: "WIREBOOK_ROLE",
    form: "ROLE",
    help: "what a new user may do with --users registered: all but delete (member) or everything (admin)",
  }),
  ...storageTable,
} as const;

/** The commands, each with what it takes. */
const operands = { add: "NAME", list: "", remove: "NAME", export: "FILE", import: "FILE" } as const;

await runCommand(usage, table, async ({ settings, options, words: [verb = "", operand = "", ...rest] }) => {
  if (!isVerb(verb)) {
    const what = verb === "" ? "missing command" : `unknown command ${withoutUserinfo(quoteText(redactKeys(verb)))}`;
    throw new SettingsError(`${what}; type add NAME, list, remove NAME, export FILE or import FILE`);
  }
  if (verb !== "add" && options.includes("--role")) {
    throw new SettingsError(`--role is for add, not for ${verb}; leave it out`);
  }
  const wanted = operands[verb];
  if ((operand === "") !== (wanted === "") || rest.length > 0) {
    const takes = wanted === "" ? "no name" : `one ${wanted.toLowerCase()}`;
    throw new SettingsError(`${verb} takes ${takes}; type: ${`${verb} ${wanted}`.trimEnd()}`);
  }
  // An invalid name may be a key in the wrong place, so the error does not repeat it.
  if (wanted === "NAME" && !isName(operand)) {
    throw new SettingsError(
      `invalid name; type at most ${nameCharactersMax} letters, digits, dots, hyphens and underscores, without a key`,
    );
  }
  await using users = await openUsers(settings, say);
  const place = describeStorage(settings);
  // Awaited here, since leaving this function closes the users.
  if (verb === "list") await print(tableOf(await users.list()));
  else if (verb === "add") await add(users, operand, settings.role);
  else if (verb === "remove")
    say(`${(await users.remove(operand)).name} is removed; the server knows it within 0.1 s.`);
  else if (verb === "export") {
    const all = await users.list();
    writeUsersCopy(resolve(operand), all);
    say(`${resolve(operand)} has the ${countOf(all.length)} of ${place}, with the hashes of their keys.`);
  } else await importFrom(resolve(operand), users, place);
});

function isVerb(word: string): word is keyof typeof operands {
  return Object.hasOwn(operands, word);
}

async function add(users: Users, name: string, role: Role): Promise<void> {
  const key = createKey();
  const user = { name, role, keyHash: hashKey(name, key), createdAt: new Date().toISOString(), createdBy: "-" };
  // A user whose key was not printed could never authenticate.
  await users.add(user, () => print(`${name}~${key}\n`));
  say(`${name} is registered, as ${role}. The word above is what ${name} types as the username; it is shown only now.`);
}

/** A user who exists already with the same key stays, so an import can be repeated. @throws UsersError `name-taken` */
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
      if (users.find(user.name)?.keyHash !== user.keyHash) taken.push(user.name);
    }
  }
  const known = wanted.length - added - taken.length;
  say(`Registered in ${place}, with the keys they had: ${countOf(added)} of ${path}; ${known} more had been before.`);
  if (taken.length === 0) return;
  throw new UsersError("name-taken", `Skipped, because another user has the name there: ${taken.join(", ")}`);
}

function countOf(users: number): string {
  return users === 1 ? "1 user" : `${users} users`;
}

function tableOf(users: readonly User[]): string {
  const rows = users.map(({ name, role, createdAt, createdBy }) => [name, role, localTime(createdAt), createdBy]);
  const all = [["NAME", "ROLE", "CREATED", "BY"], ...rows];
  const widths = [0, 1, 2].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  return all.map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}\n`).join("");
}
