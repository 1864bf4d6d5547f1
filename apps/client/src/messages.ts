/** `wirebook` without a command: messages to a Wirebook server, from the arguments, standard input or a prompt. */

import { replyTimeoutMsDefault, tcpTarget } from "@wirebook/net";
import { messageBytesMax, serverPortDefault, StreamRecord } from "@wirebook/protocol";
import { describeSettings, hostName, wholeNumber } from "@wirebook/settings";
import { runBatch } from "./batch.ts";
import { createMessage } from "./message.ts";
import type { Outgoing } from "./message.ts";
import { commonOptions } from "./command.ts";
import type { Command } from "./command.ts";
import { closeFiles, openPcapFile } from "./output/files.ts";
import { BytesForm, JsonForm, ReplyView, TextForm } from "./output/replies.ts";
import { Trace } from "./output/trace.ts";
import { recordBounds } from "./output/views.ts";
import { runPrompt } from "./prompt.ts";
import { exitCodeOf, exitCodes } from "./result.ts";
import type { Outcome } from "./result.ts";
import { runStream } from "./stream.ts";

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
    schema: wholeNumber(1, 65_535),
    default: serverPortDefault,
    env: "WIREBOOK_PORT",
    form: "PORT",
    expects: "a port from 1 to 65535",
    help: "TCP port of the server",
  },
  ...commonOptions,
} as const;

const help = `Usage: wirebook [option…] [user [operation [argument…]]]

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

export const messages: Command<typeof table> = {
  table,
  help,
  async run({ host, port, timeout, json, trace, pcap }, words, io) {
    const { input, out, errorOut, errorPaint, printError } = io;
    const target = tcpTarget("wirebook", { host, port });
    const form = json ? new JsonForm() : out.isTTY === true ? new TextForm(io.paint) : new BytesForm();
    const packets = pcap === undefined ? undefined : openPcapFile(pcap, io.program);

    async function send(outgoing: Outgoing): Promise<Outcome> {
      const replyTimeoutMs = outgoing.isFollow ? Infinity : (timeout ?? replyTimeoutMsDefault);
      const options = { message: outgoing.bytes, replyTimeoutMs, ...(timeout && { connectTimeoutMs: timeout }) };
      const opening = form.begin(outgoing);
      if (opening !== "") out.write(opening);
      const view = new ReplyView(form, { host, port });
      const notes = trace ? new Trace(target, errorPaint) : {};
      const record = new StreamRecord(recordBounds);
      const plan = { target, options, record, view, notes, capture: packets?.capture, hasKeys: true };
      const outcome = await runStream(plan, io);
      if (outgoing.isFollow && outcome.kind === "answered" && !outcome.isError) {
        printError("the server ended the follow; send the message again to go on");
      }
      return outcome;
    }

    async function sendAll(): Promise<number> {
      if (words.length > 0) return exitCodeOf(await send(createMessage(Buffer.from(words.join(" ")))));
      if (input.isTTY !== true || (out.isTTY ?? errorOut.isTTY) !== true) {
        return await runBatch(input, { send, printError });
      }
      await runPrompt({ server: { host, port }, send }, io);
      return exitCodes.done;
    }

    return closeFiles([packets], await sendAll(), printError);
  },
};
