/**
 * What the commands `wirebook history` and `wirebook users` have in common: their options, their sentences on standard error
 * and their exit codes (0 done, 1 not done, 2 wrong usage).
 */

import process from "node:process";
import { HistoryError, UsersError } from "@wirebook/history";
import { describeSettings, readSettings, SettingsError } from "@wirebook/settings";
import type { Invocation } from "@wirebook/settings";
import { assertOptionsApply, warnOfSecret } from "../storage.ts";
import type { storageTable } from "../storage.ts";

/** One command of the command line. */
interface CliCommand<Table extends typeof storageTable> {
  /** What `--help` prints before the options. */
  readonly usage: string;
  readonly table: Table;
  /** @throws SettingsError, HistoryError, UsersError, or what the system says of a file */
  readonly perform: (invocation: Invocation<Table>) => Promise<void>;
}

/** Runs a command with the arguments of this process and ends the process. */
export async function runCommand<Table extends typeof storageTable>(command: CliCommand<Table>): Promise<never> {
  // The NATS client leaves a connection to a frozen node open, which would keep the process.
  process.exit(await run(command));
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

async function run<Table extends typeof storageTable>(command: CliCommand<Table>): Promise<number> {
  const { usage, table, perform } = command;
  try {
    const invocation = readSettings(table, { argv: process.argv.slice(2), env: process.env });
    if (invocation.isHelp) {
      await print(`${usage}\n${describeSettings(table)}\nExit codes: 0 done, 1 not done, 2 wrong usage.\n`);
      return 0;
    }
    assertOptionsApply(invocation.settings, invocation.options);
    const warning = warnOfSecret(invocation.settings, process.argv);
    if (warning !== undefined) say(warning);
    await perform(invocation);
    return 0;
  } catch (error) {
    const families = [SettingsError, HistoryError, UsersError];
    const isKnown = families.some((family) => error instanceof family);
    if (!isKnown && !isSystemError(error)) throw error;
    say(isKnown ? (error as Error).message : describeSystemError(error as NodeJS.ErrnoException));
    return error instanceof SettingsError ? 2 : 1;
  }
}

/** True for what the operating system says of a file. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function describeSystemError({ code, path, syscall, message }: NodeJS.ErrnoException): string {
  if (path === undefined && syscall === "write") return `cannot write what was asked for (${code}); nothing was done`;
  if (code === "EEXIST") return `${path} exists already and was not changed; name a new file`;
  if (code === "ENOENT") return `${path} or its folder does not exist; name a file in an existing folder`;
  return message;
}
