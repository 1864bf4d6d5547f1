/** What the commands of the client have in common: what they work with, how they end, and some of their options. */

import type { Readable, Writable } from "node:stream";
import { connectTimeoutMsDefault, replyTimeoutMsDefault } from "@wirebook/net";
import type { ConnectionOutcome, ExchangeErrorCode, Target } from "@wirebook/net";
import { fileOption, optionalOption, readSettings, SettingsError, switchOption, wholeNumber } from "@wirebook/settings";
import type { Setting, SettingsOf, SettingsSource, SettingsTable } from "@wirebook/settings";
import type { Paint } from "./output/text.ts";

export type Output = Writable & { readonly isTTY?: boolean };

/** What commands work with, as the process has it. */
export interface Io {
  readonly input: Readable & { readonly isTTY?: boolean };
  /** For data: while it is full, the target is not read. */
  readonly out: Output;
  readonly errorOut: Output;
  readonly paint: Paint;
  readonly errorPaint: Paint;
  readonly printError: (sentence: string) => void;
  /** Calls back at each Ctrl-C until the function that it returns is called. */
  readonly listenForInterrupt: (listener: () => void) => () => void;
  /** The name and version of this program, for the files that it writes. */
  readonly program: string;
}

/** A command: its options, what `--help` prints, and what it does, which ends in an exit code. */
export interface Command<Table extends SettingsTable> {
  readonly table: Table;
  readonly help: string;
  /** @throws SettingsError with a sentence that says what to type instead */
  run(settings: SettingsOf<Table>, words: readonly string[], io: Io): Promise<number>;
}

/** Reads the settings of a command and runs it, unless they ask for help or the version. @throws SettingsError */
export async function runCommand<Table extends SettingsTable>(
  command: Command<Table>,
  { argv, env }: SettingsSource,
  io: Io,
  notFirst: readonly string[] = [],
): Promise<number> {
  const end = argv.indexOf("--");
  if (argv.slice(0, end < 0 ? undefined : end).includes("--version")) {
    io.out.write(`${io.program}\n`);
    return exitCodes.done;
  }
  const { settings, words, isHelp } = readSettings(command.table, { argv, env, onNotice: io.printError });
  const [first = ""] = words;
  if (end < 0 && notFirst.includes(first)) {
    throw new SettingsError(
      `${first} is a command; type it first (wirebook ${first} …), or put -- before it to send it as a message`,
    );
  }
  if (!isHelp) return await command.run(settings, words, io);
  io.out.write(command.help);
  return exitCodes.done;
}

/** How an exchange or a conversation came out. */
export type Outcome =
  | { readonly kind: "answered"; readonly isError: boolean }
  | { readonly kind: "failed"; readonly code: ExchangeErrorCode | "empty-reply"; readonly sentence: string }
  | { readonly kind: "interrupted" };

/** What the end of a connection means, as far as nothing else is known. */
export function toOutcome(how: ConnectionOutcome): Outcome {
  if (!("reason" in how)) return { kind: "failed", code: how.code, sentence: how.message };
  return how.reason === "fin" ? { kind: "answered", isError: false } : { kind: "interrupted" };
}

/** What the process says of itself when it ends. Of several, the highest counts. */
export const exitCodes = {
  done: 0,
  /** Of a server that answered with an error, an expectation that failed, streams that differ. */
  negative: 1,
  usage: 2,
  unreachable: 3,
  timedOut: 4,
  /** A fault of this program, as BSD's sysexits has it. */
  fault: 70,
  /** 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

export function exitCodeOf(outcome: Outcome): number {
  if (outcome.kind === "interrupted") return exitCodes.interrupted;
  if (outcome.kind === "answered") return outcome.isError ? exitCodes.negative : exitCodes.done;
  return outcome.code.endsWith("-timeout") ? exitCodes.timedOut : exitCodes.unreachable;
}

/** The longest `--timeout` in milliseconds: a day. */
export const timeoutMsMax = 86_400_000;

export function timeoutOption(help: string): Setting<number | undefined> {
  return optionalOption(wholeNumber(1, timeoutMsMax, "MS", "milliseconds"), "WIREBOOK_TIMEOUT", help);
}

export function outputOption(env: string, example: string, help: string): Setting<string | undefined> {
  return fileOption(env, `${help}; replaces an older one`, `a file to write, such as ${example}`);
}

export const commonOptions = {
  timeout: timeoutOption(
    `milliseconds to wait for the connection and for each byte; default ${connectTimeoutMsDefault} and ${replyTimeoutMsDefault}`,
  ),
  json: switchOption("WIREBOOK_JSON", "print JSON, one object a line"),
  trace: switchOption("WIREBOOK_TRACE", "print each step on the wire with its time to standard error"),
  pcap: outputOption("WIREBOOK_PCAP", "wirebook.pcapng", "write packets to a pcapng file for Wireshark"),
} as const;

export const exportOption = outputOption(
  "WIREBOOK_EXPORT",
  "streams.ndjson",
  "write what was sent and received as NDJSON, for wirebook compare and the page",
);

/** The same target. @throws SettingsError when it is to be told of somebody else's address */
export function withoutProxy<Given extends Pick<Target, "proxy">>(target: Given): Given {
  if (target.proxy === undefined) return target;
  throw new SettingsError("proxy=v2 names the client of a gateway, and this is none; leave it out");
}
