/** What the commands of the client have in common: their shape, how they are run, and some of their options. */

import { connectTimeoutMsDefault, replyTimeoutMsDefault, InputError } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { fileOption, readSettings, SettingsError, switchOption, wholeNumber } from "@wirebook/settings";
import type { Setting, SettingsOf, SettingsSource, SettingsTable } from "@wirebook/settings";
import * as z from "zod/mini";
import type { Io } from "./io.ts";
import { exitCodes } from "./result.ts";

/** A command: its options, what `--help` prints, and what it does, which ends in an exit code. */
export interface Command<Table extends SettingsTable> {
  readonly table: Table;
  readonly help: string;
  /**
   * @param words those that are no options, without the command's own name
   * @throws SettingsError with a sentence that says what to type instead
   */
  run(settings: SettingsOf<Table>, words: readonly string[], io: Io): Promise<number>;
}

/**
 * Reads the settings of a command and runs it, unless they ask for help or the version; resolves with the exit code.
 *
 * @param notFirst words that are none of this command's
 * @throws SettingsError
 */
export async function runCommand<Table extends SettingsTable>(
  command: Command<Table>,
  { argv, env }: SettingsSource,
  io: Io,
  notFirst: readonly string[] = [],
): Promise<number> {
  const options = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  if (options.includes("--version")) {
    io.out.write(`${io.program}\n`);
    return exitCodes.done;
  }
  const { settings, words, isHelp } = readSettings(command.table, { argv, env, onNotice: io.printError });
  const [first = ""] = words;
  if (options === argv && notFirst.includes(first)) {
    throw new SettingsError(
      `${first} is a command; type it first (wirebook ${first} …), or put -- before it to send it as a message`,
    );
  }
  if (!isHelp) return await command.run(settings, words, io);
  io.out.write(command.help);
  return exitCodes.done;
}

/** The longest `--timeout` in milliseconds: a day. */
export const timeoutMsMax = 86_400_000;

export function timeoutOption(help: string): Setting<number | undefined> {
  const schema = z.optional(wholeNumber(1, timeoutMsMax));
  const expects = `milliseconds from 1 to ${timeoutMsMax}, such as 2000`;
  return { schema, default: undefined, env: "WIREBOOK_TIMEOUT", form: "MS", expects, help };
}

/** As they stand in the table of settings. */
export const commonOptions = {
  timeout: timeoutOption(
    `milliseconds to wait for the connection and for each byte; default ${connectTimeoutMsDefault} and ${replyTimeoutMsDefault}`,
  ),
  json: switchOption("WIREBOOK_JSON", "print JSON, one object a line"),
  trace: switchOption("WIREBOOK_TRACE", "print each step on the wire with its time to standard error"),
  pcap: outputOption(
    "WIREBOOK_PCAP",
    "wirebook.pcapng",
    "write packets to a pcapng file for Wireshark; replaces an older one",
  ),
} as const;

/** For streams that `wirebook compare` and the page can read. */
export const exportOption = outputOption(
  "WIREBOOK_EXPORT",
  "streams.ndjson",
  "write what was sent and received as NDJSON, for wirebook compare and the page; replaces an older file",
);

/** A file that is written. */
export function outputOption(env: string, example: string, help: string): Setting<string | undefined> {
  return fileOption(env, help, `a file to write, such as ${example}`);
}

/**
 * What `read` makes of the text of a target, with the mistakes of users as such.
 *
 * @param read `parseTarget` or `parseTargetUrl`
 * @throws SettingsError
 */
export function readTarget<Read extends Pick<Target, "address" | "proxy">>(read: () => Read): Read {
  try {
    const target = read();
    if (target.proxy === undefined) return target;
    throw new SettingsError("proxy=v2 names the client of a gateway, and this is none; leave it out");
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new SettingsError(error.message, { cause: error });
  }
}
