/** `wirebook connect`: a conversation with any service, between standard input and standard output. */

import { closeSync } from "node:fs";
import { connectTimeoutMsDefault, parseTargetUrl, type Target } from "@wirebook/net";
import { StreamRecord } from "@wirebook/protocol";
import { writeScenario } from "@wirebook/scenario";
import { choiceOption, describeSettings, openOutputFile, SettingsError, switchOption } from "@wirebook/settings";
import { commonOptions, exitCodeOf, exportOption, outputOption, timeoutOption, withoutProxy } from "./command.ts";
import type { Command } from "./command.ts";
import { closeFiles, exportBounds, exportedLine, hideServerKeys, noteReset } from "./output/files.ts";
import { openExportFile, openPcapFile, OutputFile, scenarioKind } from "./output/files.ts";
import { greeting, createTrace } from "./output/trace.ts";
import { bytesView, jsonView, recordBounds, createTextView } from "./output/views.ts";
import { runStream } from "./stream.ts";

/** What ends a line that is typed. */
export const lineEnds = { crlf: "\r\n", lf: "\n", cr: "\r", none: "" } as const;

const table = {
  eol: choiceOption(Object.keys(lineEnds) as (keyof typeof lineEnds)[], {
    // What the text protocols of the Internet ask for (SMTP, IMAP, FTP, HTTP, telnet); redis and memcached take it as well.
    default: "crlf",
    env: "WIREBOOK_EOL",
    form: "END",
    help: "what ends a line that you type: crlf, lf, cr or none",
  }),
  keepOpen: switchOption("WIREBOOK_KEEP_OPEN", "send no FIN when standard input ends"),
  timeout: timeoutOption(`milliseconds to wait for the connection; default ${connectTimeoutMsDefault}`),
  json: switchOption("WIREBOOK_JSON", "print JSON, one object for each read, write and FIN"),
  trace: commonOptions.trace,
  pcap: commonOptions.pcap,
  record: outputOption("WIREBOOK_RECORD", "smtp.wire", "write the conversation as a scenario, for wirebook play"),
  export: exportOption,
} as const;

const help = `Usage: wirebook connect [option…] URL

Holds a conversation with any service, as nc and openssl s_client do.

  wirebook connect tcp://localhost:25     or without tcp://
  wirebook connect tls://imap.example:993
      ?ca=FILE&servername=NAME&alpn=PROTOCOL&cert=FILE&key=FILE
      The certificate is always verified: against the authorities in ca, else those of Node.
  wirebook connect unix:/run/redis.sock
  printf 'PING\\r\\n' | wirebook connect localhost:6379 | xxd

Options
${describeSettings(table)}
On a terminal
  A line that you type is sent with its line end. What comes is shown as it comes: CRLF as a
  new line, other control characters in visible form.
  Ctrl-D sends FIN, and reading goes on. The target's FIN ends the conversation. Ctrl-C leaves by RST.
In a pipe
  Bytes pass both ways as they are. The conversation lasts until both ends have sent FIN.
  With --keep-open the target's FIN ends it once standard input has ended.
  When standard output stalls, the target is not read. When the target stalls, standard input is not.
Nothing is hidden: a key or a password that you send is in --json and --pcap.
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

export const connect: Command<typeof table> = {
  table,
  help,
  async run(settings, words, io) {
    const { json, trace, timeout: connectTimeoutMs = connectTimeoutMsDefault, keepOpen } = settings;
    const target = targetOf(words);
    const packets = settings.pcap === undefined ? undefined : openPcapFile(settings.pcap, io.program);
    const exported = settings.export === undefined ? undefined : openExportFile(settings.export, io.program);
    // It is written at the end; until then an older one is left.
    if (settings.record !== undefined) closeSync(openOutputFile(settings.record, scenarioKind, "a"));
    const isKept = settings.record !== undefined || exported !== undefined;
    const record = new StreamRecord(isKept ? exportBounds : recordBounds);

    const greets = io.input.isTTY === true ? greeting(target, io.errorPaint) : {};
    const plan = {
      target,
      options: { message: new Uint8Array(0), connectTimeoutMs },
      record,
      view: json ? jsonView : io.out.isTTY === true ? createTextView() : bytesView,
      notes: trace ? createTrace(target, io.errorPaint) : greets,
      capture: packets?.capture,
      hasKeys: false,
      typed: { lineEnd: lineEnds[settings.eol], keepOpen },
    };
    const outcome = await runStream(plan, io);

    noteReset(record);
    const isWithServer = isKept && hideServerKeys(record);
    exported?.write(exportedLine(record, target));
    // Where nothing was connected, an older record is worth more than none.
    const hasRecord = settings.record !== undefined && record.events.length > 0;
    const recorded = hasRecord ? new OutputFile(settings.record, scenarioKind) : undefined;
    const comment = `Recorded with wirebook connect ${target.name}`;
    recorded?.write(writeScenario(record.events, { isWithServer, comment }));
    return closeFiles([packets, recorded, exported], exitCodeOf(outcome), io.printError);
  },
};

function targetOf([text, ...others]: readonly string[]): Target {
  const forms = "type wirebook connect HOST:PORT, tls://HOST:PORT or unix:/PATH";
  if (text === undefined || others.length > 0) throw new SettingsError(`connect takes one target; ${forms}`);
  const url = text.includes("://") || text.startsWith("unix:") ? text : `tcp://${text}`;
  const { address, proxy } = withoutProxy(parseTargetUrl(url));
  return { name: address.transport === "unix" ? `unix:${address.path}` : text, address, proxy };
}
