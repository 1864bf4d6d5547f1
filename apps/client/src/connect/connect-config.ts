/** What `wirebook connect` is told to do. */

import { connectTimeoutMsDefault, parseTargetUrl, TargetError } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { SettingsError, describeSettings, oneOf, readSettings } from "@wirebook/settings";
import type { SettingsOf, SettingsSource } from "@wirebook/settings";
import { commonOptions, exportOption, fileOption, switchOption } from "../options.ts";

/** What ends a line that is typed. */
export const lineEnds = { crlf: "\r\n", lf: "\n", cr: "\r", none: "" } as const;

/** The options of `wirebook connect`. */
export const connectTable = {
  eol: {
    schema: oneOf(Object.keys(lineEnds) as (keyof typeof lineEnds)[]),
    // What the text protocols of the Internet ask for (SMTP, IMAP, FTP, HTTP, telnet); redis and memcached take it as well.
    default: "crlf",
    env: "WIREBOOK_EOL",
    form: "END",
    expects: "crlf, lf, cr or none",
    help: "what ends a line that you type: crlf, lf, cr or none",
  },
  hex: switchOption("WIREBOOK_HEX", "show the bytes of both directions in hexadecimal, with offsets"),
  keepOpen: switchOption("WIREBOOK_KEEP_OPEN", "send no FIN when standard input ends"),
  timeout: {
    ...commonOptions.timeout,
    help: `milliseconds to wait for the connection; default ${connectTimeoutMsDefault}`,
  },
  json: switchOption("WIREBOOK_JSON", "print JSON, one object for each read, write and FIN"),
  trace: switchOption("WIREBOOK_TRACE", "print each read and write with its time to standard error"),
  utc: commonOptions.utc,
  pcap: { ...commonOptions.pcap, help: "write packets to a pcapng file for Wireshark; replaces an older one" },
  record: fileOption(
    "WIREBOOK_RECORD",
    "smtp.wire",
    "write the conversation as a scenario, for wirebook play; replaces an older record",
  ),
  export: exportOption,
} as const;

/** The options, and to whom to connect. */
export type ConnectConfig = SettingsOf<typeof connectTable> & { readonly target: Target };

/** What `wirebook connect --help` prints. */
export const connectHelp = `Usage: wirebook connect [option…] URL

Holds a conversation with any service, as nc and openssl s_client do.

  wirebook connect tcp://localhost:25     or without tcp://
  wirebook connect tls://imap.example:993
      ?ca=FILE&servername=NAME&alpn=PROTOCOL&cert=FILE&key=FILE
      The certificate is always verified: against the authorities in ca, else those of Node.
  wirebook connect unix:/run/redis.sock
  printf 'PING\\r\\n' | wirebook connect localhost:6379 | xxd

Options
${describeSettings(connectTable)}
On a terminal
  A line that you type is sent with its line end. What comes is shown as it comes: CRLF as a
  new line, other control characters in visible form.
  Ctrl-D sends FIN, and reading goes on. The target's FIN ends the conversation. Ctrl-C leaves by RST.
In a pipe
  Bytes pass both ways as they are. The conversation lasts until both ends have sent FIN.
  With --keep-open the target's FIN ends it once standard input has ended.
  When standard output stalls, the target is not read. When the target stalls, standard input is not.
Nothing is hidden: a key or a password that you send is in --json, --hex and --pcap.
In --record and --export too, except for the keys of a Wirebook server: {{key}} or asterisks.

--json
  {"type":"open","local":{…}|null,"remote":{…}|null,"tls":{…}|null}
  {"type":"read"|"write","ms":…,"offset":…,"bytes":…,"text":…}, {"type":"fin","ms":…,"from":"target"|"client"}
  {"type":"end","failure":{"code":…,"message":…}|null,"trace":{…}}; the trace is that of wirebook --help
  Bytes that are not UTF-8 are \\udc80 to \\udcff, also those of a character that is cut by a read.

Exit codes
  0    both ends have sent FIN
  2    wrong use
  3    cannot connect (TLS included), the connection broke,
       or the output, or a file, cannot be written
  4    timed out
  130  interrupted
`;

/**
 * Reads the command line of `wirebook connect`; `undefined` when it asks for help.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readConnectConfig(source: SettingsSource): ConnectConfig | undefined {
  const { settings, words, isHelp } = readSettings(connectTable, source);
  if (isHelp) return undefined;
  if (settings.hex && settings.json) {
    throw new SettingsError("--hex and --json exclude each other; leave out one of them");
  }
  return { ...settings, target: readTarget(words.slice(1)) };
}

function readTarget([text, ...others]: readonly string[]): Target {
  const forms = "type wirebook connect HOST:PORT, tls://HOST:PORT or unix:/PATH";
  if (text === undefined) throw new SettingsError(`connect needs a target; ${forms}`);
  if (others.length > 0) throw new SettingsError(`connect takes one target, not ${others.length + 1} words; ${forms}`);
  const url = text.includes("://") || text.startsWith("unix:") ? text : `tcp://${text}`;
  try {
    const { address, proxy } = parseTargetUrl(url);
    if (proxy !== undefined) {
      throw new SettingsError("proxy=v2 names the client of a gateway, and this is none; leave it out");
    }
    return { name: address.transport === "unix" ? `unix:${address.path}` : text, address, proxy };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    throw new SettingsError(error.message, { cause: error });
  }
}
