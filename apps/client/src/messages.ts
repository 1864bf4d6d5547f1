/** `wirebook` without a command: messages to a Wirebook server, from the arguments, standard input or a prompt. */

import { replyTimeoutMsDefault, tcpTarget } from "@wirebook/net";
import { decodeCommand, decodeMessage, decodeText, LineSplitter, messageBytesMax } from "@wirebook/protocol";
import { ProtocolError, redactKeys, serverPortDefault, StreamRecord } from "@wirebook/protocol";
import type { Line } from "@wirebook/protocol";
import { describeSettings, hostName, portNumber, valueOption } from "@wirebook/settings";
import { commonOptions, exitCodeOf, exitCodes, type Command, type Io, type Outcome } from "./command.ts";
import { closeFiles, openPcapFile } from "./output/files.ts";
import { bytesForm, jsonForm, createReplyView, textForm } from "./output/replies.ts";
import { visibleText } from "./output/text.ts";
import { createTrace } from "./output/trace.ts";
import { recordBounds } from "./output/views.ts";
import { runPrompt } from "./prompt.ts";
import { runStream } from "./stream.ts";

const table = {
  host: valueOption(hostName, "WIREBOOK_HOST", "127.0.0.1", "host of the server"),
  port: valueOption(portNumber, "WIREBOOK_PORT", serverPortDefault, "TCP port of the server"),
  ...commonOptions,
} as const;

const help = `Usage: wirebook [option…] [user [operation [argument…]]]

Sends messages to a Wirebook server and prints its replies.

  wirebook brick                 the operations that the server offers
  wirebook brick 2 -100          the last 100 lines of the history
  wirebook brick 5               follows the history until Ctrl-C
  printf 'brick 2\\n' | wirebook  standard input: one message a line, at most ${messageBytesMax} bytes each
  wirebook                       on a terminal: a prompt; exit leaves it
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
  --json      {"type":"reply","sent":…,"header":{"link":…,"operations":[…]}|null}, then {"type":"line","text":…} for
              each line, with "entry":{…} where it is one of the history, and "isCut":true where it was too long to hold,
              then {"type":"end","isError":…,"failure":{"code":…,"message":…}|null,"trace":{…}};
              bytes that are not UTF-8 are \\udc80 to \\udcff
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
    const { input, out, errorOut, paint, errorPaint, printError } = io;
    const target = tcpTarget("wirebook", { host, port });
    const packets = pcap === undefined ? undefined : openPcapFile(pcap, io.program);
    const isTerminal = out.isTTY === true;
    let isLineOpen = false;

    async function send(line: Uint8Array): Promise<Outcome> {
      const { isFollow, isBare, shown } = readMessage(line);
      const message = Buffer.concat([line, Buffer.from("\n")]);
      const replyTimeoutMs = isFollow ? Infinity : (timeout ?? replyTimeoutMsDefault);
      const form = json ? jsonForm(shown) : isTerminal ? textForm(paint) : bytesForm(isBare);
      if (!json && isTerminal) out.write(`${paint.strong("Sent:")}     ${visibleText(shown)}\n`);
      // The bytes of one response are exact, but two of them must not run into one line.
      if (!json && !isTerminal && isLineOpen) out.write("\n");
      const record = new StreamRecord(recordBounds);
      const plan = {
        target,
        options: { message, replyTimeoutMs, ...(timeout && { connectTimeoutMs: timeout }) },
        record,
        view: createReplyView(form, { host, port }),
        notes: trace ? createTrace(target, errorPaint) : {},
        capture: packets?.capture,
        hasKeys: true,
      };
      const outcome = await runStream(plan, io);
      isLineOpen = ![undefined, 0x0a].includes(record.reads.at(-1)?.bytes?.at(-1));
      if (isFollow && outcome.kind === "answered" && !outcome.isError) {
        printError("the server ended the follow; send the message again to go on");
      }
      return outcome;
    }

    async function sendAll(): Promise<number> {
      if (words.length > 0) return exitCodeOf(await send(Buffer.from(words.join(" "))));
      if (input.isTTY !== true || (out.isTTY ?? errorOut.isTTY) !== true) return await sendLines(io, send);
      await runPrompt({ host, port }, send, io);
      return exitCodes.done;
    }

    return closeFiles([packets], await sendAll(), printError);
  },
};

/** A wrong message may be tried, to see what the server says. @throws ProtocolError when it is too long, or not one line */
function readMessage(line: Uint8Array) {
  if (line.length > messageBytesMax) throw messageTooLong(line.length);
  if (line.includes(0x0a)) {
    throw new ProtocolError("argument-syntax", "a message is one line; leave out the line feed, or send two messages");
  }
  let verb: string | undefined;
  try {
    ({ verb } = decodeCommand(decodeMessage(line).words));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  return { shown: redactKeys(decodeText(line)), isFollow: verb === "follow", isBare: verb === "list" };
}

function messageTooLong(bytes: number): ProtocolError {
  const sentence = `a message of ${bytes} bytes is over the limit of ${messageBytesMax}; send a shorter line`;
  return new ProtocolError("message-too-long", sentence);
}

/** Sends each line of standard input, and returns the highest of their exit codes. A failure of the network ends it. */
async function sendLines(
  { input, printError }: Pick<Io, "input" | "printError">,
  send: (line: Uint8Array) => Promise<Outcome>,
): Promise<number> {
  let code: number = exitCodes.done;
  let number = 0;
  for await (const { bytes, length } of linesOf(input)) {
    number += 1;
    // A carriage return before the line feed is not part of the message.
    const line = bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
    if (line.length > messageBytesMax) {
      printError(`line ${number} of standard input: ${messageTooLong(length).message}`);
      code = Math.max(code, exitCodes.usage);
    } else if (decodeText(line).trim() !== "") {
      const outcome = await send(line);
      code = Math.max(code, exitCodeOf(outcome));
      if (outcome.kind !== "answered") break;
    }
  }
  return code;
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const splitter = new LineSplitter(messageBytesMax + 2);
  for await (const chunk of chunks) yield* splitter.push(chunk);
  yield* splitter.finish();
}
