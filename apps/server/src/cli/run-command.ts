/**
 * What the commands `npm run history` and `npm run users` have in common: their options, their sentences on standard error
 * and their exit codes (0 done, 1 not done, 2 wrong usage).
 */

import process from "node:process";
import { HistoryError, UsersError } from "@wirebook/history";
import { SettingsError } from "@wirebook/settings";
import type { SettingsSource } from "@wirebook/settings";
import { warnOfSecret } from "../storage.ts";
import type { StorageSettings } from "../storage.ts";

/** One command of the command line. */
export interface CliCommand<Task extends { readonly storage: StorageSettings }> {
  /** What `--help` prints. */
  readonly help: string;
  /** `undefined` when help was asked for. @throws SettingsError */
  readonly readTask: (source: SettingsSource) => Task | undefined;
  /** @throws HistoryError, UsersError, or what the system says of a file */
  readonly perform: (task: Task) => Promise<void>;
}

/** Runs a command with the arguments of this process and ends the process. */
export async function runCommand<Task extends { readonly storage: StorageSettings }>(
  command: CliCommand<Task>,
): Promise<never> {
  // The NATS client leaves a connection to a frozen node open, which would keep the process.
  process.exit(await run(command));
}

/** Writes a sentence for the operator; standard output is for results alone. */
export function say(sentence: string): void {
  process.stderr.write(`wirebook: ${sentence}\n`);
}

async function run<Task extends { readonly storage: StorageSettings }>(command: CliCommand<Task>): Promise<number> {
  try {
    const task = command.readTask({ argv: process.argv.slice(2), env: process.env });
    if (task === undefined) {
      process.stdout.write(command.help);
      return 0;
    }
    const warning = warnOfSecret(task.storage, process.argv);
    if (warning !== undefined) say(warning);
    await command.perform(task);
    return 0;
  } catch (error) {
    const isKnown = error instanceof SettingsError || error instanceof HistoryError || error instanceof UsersError;
    if (!isKnown && !isSystemError(error)) throw error;
    say(isKnown ? error.message : describeSystemError(error as NodeJS.ErrnoException));
    return error instanceof SettingsError ? 2 : 1;
  }
}

/** True for what the operating system says of a file. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function describeSystemError({ code, path = "the file", message }: NodeJS.ErrnoException): string {
  if (code === "EEXIST") return `${path} exists already and was not changed; name a new file`;
  if (code === "ENOENT") return `${path} or its folder does not exist; name a file in an existing folder`;
  return message;
}
