/** `wirebook compare`: the streams of two files side by side, as a careful diff. */

import { decodeSession, sessionBytesMax, toStreamRecord } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { decodeText, plainText } from "@wirebook/protocol";
import { compareStreams, compareTurn, describeEnds, escapeText, foldLines, nameOfTurn } from "@wirebook/scenario";
import type { ComparedLine, ComparedStream, Turn, TurnPair } from "@wirebook/scenario";
import { describeSettings, readSmallFile, SettingsError } from "@wirebook/settings";
import { commonOptions } from "./command.ts";
import type { Command } from "./command.ts";
import type { Paint } from "./output/terminal-text.ts";
import { jsonLine } from "./output/views.ts";
import { exitCodes } from "./result.ts";

const table = { json: commonOptions.json } as const;

const help = `Usage: wirebook compare [option…] FILE FILE

Compares two streams: their bytes, the reads in which they came, and the times.

  wirebook compare before.ndjson after.ndjson
  wirebook compare 'session.ndjson#2' 'session.ndjson#5'   of several streams, by number

A file is one that the page, or --export of wirebook connect and wirebook play, wrote.

Options
${describeSettings(table)}
Output
  A sentence that sums it up, then each turn that differs: what was sent (>) and received (<),
  line by line, - of the first stream, + of the second. \\r, \\n, \\xNN and the like stand for bytes.
  Reads are told where they differ, times where they differ by 10 ms and a fifth of the longer one.
  --json  {"type":"comparison","isSame":…,"summary":…,"missingBytes":…}, then for each turn that differs
          {"type":"turn","one":{…}|null,"other":{…}|null,"longerMs":…,"lines":[{"isFromTarget":…,"one":…,"other":…},…]};
          bytes that are not UTF-8 are \\udc80 to \\udcff

Exit codes
  0  the same bytes, whatever the reads and the times
  1  other bytes, or some were not kept
  2  wrong use, or a file that cannot be read
`;

/** Streams of a file that a sentence lists, and characters of a message in it. */
const listedMax = 5;
const messageCharactersMax = 40;

/** Bytes of a line that are shown, and those before what differs in it. */
const shownBytesMax = 400;
const shownBeforeBytes = 40;

/** Reads of which the size is told. */
const readsToldMax = 8;

/** The file is bounded, and so is what is in it. */
const everything = { firstEventsKept: Infinity, lastEventsKept: 0, bytesKept: Infinity };

export const compare: Command<typeof table> = {
  table,
  help,
  async run({ json }, words, { out, paint, printError }) {
    const [first, second, ...rest] = words;
    if (first === undefined || second === undefined || rest.length > 0) {
      throw new SettingsError(`compare takes two files, not ${words.length}; type wirebook compare FILE FILE`);
    }
    const [one, other] = [readStream(first, printError), readStream(second, printError)];
    const { turns, ends, areEndsSame, ...result } = compareStreams(one, other);
    const differing = turns.filter(({ isSame }) => !isSame);
    const write = (text: string): void => void out.write(text);
    if (json) {
      write(jsonLine({ type: "comparison", ...result }));
      for (const pair of differing) write(jsonLine({ type: "turn", ...turnToJson(pair) }));
    } else {
      write(`${paint.strong(result.summary)}\n`);
      if (differing.length > 0) write(`\n${paint.wrong(`--- ${one.name}`)}\n${paint.inward(`+++ ${other.name}`)}\n`);
      for (const pair of differing) {
        write(`${paint.faint(`@@ ${describeTurn(pair)}`)}\n`);
        if (!pair.isSentSame || !pair.isReceivedSame) writeLines(pair, write, paint);
      }
      if (!areEndsSame) write(`${paint.faint(`@@ end: ${describeEnds(ends.one)} | ${describeEnds(ends.other)}`)}\n`);
    }
    return result.isSame ? exitCodes.done : exitCodes.different;
  },
};

/** @param word a file, and the number of one of its streams, from 1: `session.ndjson#2` */
function readStream(word: string, onNotice: (sentence: string) => void): ComparedStream {
  const [, path = word, digits] = /^(.+)#(\d{1,9})$/su.exec(word) ?? [];
  const number = digits === undefined ? undefined : Number(digits);
  const content = readSmallFile(path, path, sessionBytesMax, "name a file that Wirebook exported as NDJSON");
  const { records, problems } = decodeSession(content);
  if (records.length === 0)
    throw new SettingsError(`${path}: ${problems[0] ?? "no stream is in it; export one first"}`);
  for (const problem of problems) onNotice(`${path}: ${problem}`);
  const record = records.length === 1 && number === undefined ? records[0] : records[(number ?? 0) - 1];
  if (record !== undefined) return toCompared(record, `${path}${number === undefined ? "" : `#${number}`}`);
  const list = records.slice(0, listedMax).map((each, at) => `#${at + 1} ${describeStream(each)}`);
  const more = records.length > listedMax ? `, … #${records.length}` : "";
  const what = number === undefined ? `${records.length} streams are in it` : `#${number} is not in it`;
  throw new SettingsError(`${path}: ${what}; choose one as '${path}#1': ${list.join(", ")}${more}`);
}

function describeStream({ target, message }: RecordedStream): string {
  const line = message.trim();
  if (line === "") return target;
  return `${target} ${JSON.stringify(line.length > messageCharactersMax ? `${line.slice(0, messageCharactersMax)}…` : line)}`;
}

function toCompared(record: RecordedStream, name: string): ComparedStream {
  // What is missing of a flow is to be an event as well, of which only the size is known.
  const { flow: _, ...line } = record;
  const { events } = toStreamRecord(line, everything);
  return { name: plainText(`${name}  ${describeStream(record)}`), startedMs: 0, events };
}

/** `turn 2: 1 read (54), 2.1 ms | 3 reads (20+14+20), 16.0 ms` */
function describeTurn(pair: TurnPair): string {
  const { one, other } = pair;
  if (one === undefined || other === undefined) {
    return `${nameOfTurn(pair)}, only in the ${other === undefined ? "first" : "second"}`;
  }
  return `${nameOfTurn(pair)}: ${describeReply(one)} | ${describeReply(other)}`;
}

function describeReply(turn: Turn): string {
  const { sizes } = turn.received;
  if (sizes.length === 0) return "no reply";
  const list = sizes.slice(0, readsToldMax).join("+") + (sizes.length > readsToldMax ? "+…" : "");
  return `${sizes.length} ${sizes.length === 1 ? "read" : "reads"} (${list}), ${turn.replyMs.toFixed(1)} ms`;
}

/** Lines that are the same stand once. */
function writeLines(pair: TurnPair, write: (text: string) => void, paint: Paint): void {
  for (const line of foldLines(compareTurn(pair))) {
    if (typeof line === "number") {
      write(paint.faint(`   … ${line} more ${line === 1 ? "line is" : "lines are"} the same\n`));
      continue;
    }
    const { one, other, isSame } = line;
    const sign = line.isFromTarget ? "<" : ">";
    if (isSame && one !== undefined) write(` ${sign} ${describeLine(one)}\n`);
    if (!isSame && one !== undefined) write(`${paint.wrong(`-${sign} ${describeLine(one)}`)}\n`);
    if (!isSame && other !== undefined) write(`${paint.inward(`+${sign} ${describeLine(other)}`)}\n`);
  }
}

/** The line, or of a long one the part in which it differs, with nothing in it that acts on a terminal. */
function describeLine({ bytes, missing, from }: ComparedLine): string {
  if (missing > 0) return `(${missing} bytes, not kept)`;
  const start = bytes.length > shownBytesMax ? Math.max(0, from - shownBeforeBytes) : 0;
  const text = decodeText(bytes.subarray(start, start + shownBytesMax));
  const behind = bytes.length - start - shownBytesMax;
  const shown = escapeText(text.replaceAll("\\", "\\\\"));
  return (start > 0 ? `(${start} bytes) … ` : "") + shown + (behind > 0 ? ` … (${behind} bytes)` : "");
}

function turnToJson(pair: TurnPair) {
  const lines = compareTurn(pair)
    .filter(({ isSame }) => !isSame)
    .map(({ isFromTarget, one, other }) => ({ isFromTarget, one: lineToJson(one), other: lineToJson(other) }));
  return { one: sideToJson(pair.one), other: sideToJson(pair.other), longerMs: pair.longerMs, lines };
}

function sideToJson(turn: Turn | undefined) {
  return turn === undefined
    ? null
    : { number: turn.number, atMs: turn.atMs, replyMs: turn.replyMs, reads: turn.received.sizes };
}

function lineToJson(line: ComparedLine | undefined) {
  if (line === undefined) return null;
  return line.missing > 0 ? { missing: line.missing } : decodeText(line.bytes);
}
