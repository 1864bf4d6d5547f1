/** What the command line asks for. The one place where a first word is found to be a subcommand. */

import type { HostPort } from "@wirebook/net";
import { messageBytesMax, serverPortDefault } from "@wirebook/protocol";
import { SettingsError, describeSettings, findFirstWord, hostName, portNumber, readSettings } from "@wirebook/settings";
import type { SettingsSource } from "@wirebook/settings";
import manifest from "../../../package.json" with { type: "json" };
import { compareHelp, readCompareConfig } from "./compare/compare-config.ts";
import type { CompareConfig } from "./compare/compare-config.ts";
import { connectHelp, connectTable, readConnectConfig } from "./connect/connect-config.ts";
import type { ConnectConfig } from "./connect/connect-config.ts";
import { commonOptions } from "./options.ts";
import { playHelp, playTable, readPlayConfig } from "./play/play-config.ts";
import type { PlayConfig } from "./play/play-config.ts";

/** What the client was told to do with messages. */
export interface Config {
  readonly target: HostPort;
  /** Milliseconds without progress; `undefined` for the defaults of an exchange. */
  readonly timeoutMs: number | undefined;
  readonly isJson: boolean;
  readonly isTraced: boolean;
  readonly utc: boolean;
  /** The pcapng file for the packets of all exchanges; `undefined` for none. */
  readonly pcap: string | undefined;
  /** The arguments as one message; `undefined` when there are none. */
  readonly message: string | undefined;
}

const table = {
  host: {
    schema: hostName,
    default: "127.0.0.1",
    env: "WIREBOOK_HOST",
    form: "HOST",
    expects: "a host name or an address, such as 127.0.0.1",
    help: "host of the server",
  },
  port: {
    schema: portNumber,
    default: serverPortDefault,
    env: "WIREBOOK_PORT",
    form: "PORT",
    expects: "a port from 1 to 65535",
    help: "TCP port of the server",
  },
  ...commonOptions,
} as const;

/** The options of messages and of subcommands. */
export const allOptions = { ...table, ...connectTable, ...playTable } as const;

/** What `--version` prints. */
export const version = `wirebook ${manifest.version}\n`;

/** What `--help` prints. */
export const help = `Usage: wirebook [option…] [user [operation [argument…]]]

Sends messages to a Wirebook server and prints its replies.

  wirebook brick                 the operations that the server offers
  wirebook brick 2 -100          the last 100 lines of the history
  wirebook brick 5               follows the history until Ctrl-C
  printf 'brick 2\\n' | wirebook  standard input: one message a line, at most ${messageBytesMax} bytes each
  wirebook                       on a terminal: a prompt; type help or exit there
  wirebook connect HOST:PORT     a conversation with any service: wirebook help connect
  wirebook play FILE             plays a scenario: wirebook help play
  wirebook compare FILE FILE     compares two exported streams: wirebook help compare
  wirebook -- connect            behind -- every word is part of the message

Options
${describeSettings(table)}  --version     print the version

Output
  On a terminal: what was sent and the whole reply, with visible control characters.
  In a pipe: the response alone, byte for byte (for a user alone: the list of operations).
  A missing line feed is added between two responses.
  Trace, errors and prompt go to standard error.
  --json      {"type":"reply","sent":…,"header":{"link":…,"operations":[…]}|null,"response":…,"isError":…,
              "failure":{"code":…,"message":…}|null,"trace":{…}}; bytes that are not UTF-8 are \\udc80 to \\udcff
  a follow    {"type":"following","sent":…,"header":…,"from":…}, then {"type":"line","text":…,"entry":{…}} for each
              line, with "isCut":true when it was too long to hold, then {"type":"end","isError":…,"failure":…,"trace":{…}}
  the trace   {"startedAt":…,"local":…,"remote":…,"tls":…,"sentBytes":…,"receivedBytes":…,"steps":{…},
              "writes":[[ms,bytes],…],"reads":[[ms,bytes],…],"omitted":{"events":…,"sentBytes":…,"receivedBytes":…}};
              times are milliseconds since the connecting began, and omitted ones stood between the first
              and the newest
  --pcap      synthesised from what this end wrote and read, not captured: docs/reference/capture.md; a key is written as asterisks

Exit codes
  0  done, also if the reader of the output closed it
  1  the server answered with an error
  2  wrong use: an option, a message of several lines or over the limit
  3  cannot connect, the connection broke, the server closed without an answer,
     or the output or the --pcap file cannot be written
  4  timed out
  70 internal error, or packages are not installed
  130 interrupted
  With several messages the highest code counts. After an error or a line that is too long
  the next message is still sent. After a network failure it is not.
`;

/** What the command line asks for. */
export type Invocation =
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "connect"; readonly config: ConnectConfig }
  | { readonly kind: "play"; readonly config: PlayConfig }
  | { readonly kind: "compare"; readonly config: CompareConfig };

/** Words that begin no message when they come first. */
const subcommands: ReadonlyMap<string, (source: SettingsSource) => Invocation> = new Map([
  ["connect", readConnect],
  ["play", readPlay],
  ["compare", readCompare],
]);

function readConnect(source: SettingsSource): Invocation {
  const config = readConnectConfig(source);
  return config === undefined ? { kind: "print", text: connectHelp } : { kind: "connect", config };
}

function readPlay(source: SettingsSource): Invocation {
  const config = readPlayConfig(source);
  return config === undefined ? { kind: "print", text: playHelp } : { kind: "play", config };
}

function readCompare(source: SettingsSource): Invocation {
  const config = readCompareConfig(source);
  return config === undefined ? { kind: "print", text: compareHelp } : { kind: "compare", config };
}

/**
 * Reads the command line and the environment.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readInvocation(source: SettingsSource): Invocation {
  if (optionsOf(source.argv).includes("--version")) return { kind: "print", text: version };
  const readSubcommand = subcommands.get(findFirstWord(allOptions, source.argv) ?? "");
  if (readSubcommand !== undefined) return readSubcommand(source);
  const { settings, words, isHelp } = readSettings(table, source);
  if (isHelp) return { kind: "print", text: help };
  const { host, port, timeout, json, trace, utc, pcap } = settings;
  if (port === 0) throw new SettingsError(`--port is 0, and no server has that port; type ${table.port.expects}`);
  const config = Object.freeze({
    target: Object.freeze({ host, port }),
    timeoutMs: timeout,
    isJson: json,
    isTraced: trace,
    utc,
    pcap,
    message: words.length === 0 ? undefined : words.join(" "),
  });
  return { kind: "run", config };
}

/** What stands before `--`, behind which everything is a word of the message. */
function optionsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end < 0 ? argv : argv.slice(0, end);
}
