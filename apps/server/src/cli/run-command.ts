/** What the commands `wirebook history` and `wirebook users` have in common: options, sentences and exit codes. */

import process from "node:process";
import { HistoryError, UsersError } from "@wirebook/history";
import { describeSettings, readSettings, SettingsError, type Invocation } from "@wirebook/settings";
import { assertOptionsApply, warnOfSecret, type storageTable } from "../storage.ts";

/** Runs a command with the arguments of this process and ends the process. */
export async function runCommand<Table extends typeof storageTable>(
  usage: string,
  table: Table,
  perform: (invocation: Invocation<Table>) => Promise<void>,
): Promise<never> {
  try {
    const invocation = readSettings(table, { argv: process.argv.slice(2), env: process.env });
    if (invocation.isHelp) {
      await print(`${usage}\n${describeSettings(table)}\nExit codes: 0 done, 1 not done, 2 wrong usage.\n`);
    } else {
      assertOptionsApply(invocation.settings, invocation.options);
      const warning = warnOfSecret(invocation.settings, process.argv);
      if (warning !== undefined) say(warning);
      await perform(invocation);
    }
  } catch (error) {
    say(explain(error));
    process.exit(error instanceof SettingsError ? 2 : 1);
  }
  // The NATS client leaves a connection to a frozen node open, which would keep the process.
  process.exit(0);
}

/** Writes a sentence for the operator; standard output is for results alone. */
export function say(sentence: string): void {
  process.stderr.write(`wirebook: ${sentence}\n`);
}

/** Writes a result to standard output. @throws what the system says when it cannot be written there */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.on("error", reject).write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** A sentence for the user where the fault is known. @throws the error where it is not */
function explain(error: unknown): string {
  if (error instanceof SettingsError || error instanceof HistoryError || error instanceof UsersError) {
    return error.message;
  }
  if (!(error instanceof Error && "syscall" in error)) throw error;
  const { code, path, syscall, message } = error as NodeJS.ErrnoException;
  if (path === undefined && syscall === "write") return `cannot write what was asked for (${code}); nothing was done`;
  if (code === "EEXIST") return `${path} exists already and was not changed; name a new file`;
  if (code === "ENOENT") return `${path} or its folder does not exist; name a file in an existing folder`;
  return message;
}
