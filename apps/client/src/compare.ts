/** `wirebook compare`: the streams of two files side by side, as a careful diff. */

import { decodeSession, sessionBytesMax, toStreamRecord } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { decodeText, plainText } from "@wirebook/protocol";
import { compareStreams, compareTurn, describeEnds, escapeText, foldLines, nameOfTurn } from "@wirebook/scenario";
import type { ComparedLine, ComparedStream, Turn, TurnPair } from "@wirebook/scenario";
import { readSmallFile, SettingsError } from "@wirebook/settings";
import { exitCodes } from "./command.ts";
import type { Command } from "./command.ts";
import type { Paint } from "./output/text.ts";

const table = {} as const;

const help = `Usage: wirebook compare FILE FILE

Compares two streams: their bytes, the reads in which they came, and the times.

  wirebook compare before.ndjson after.ndjson
  wirebook compare 'session.ndjson#2' 'session.ndjson#5'   of several streams, by number

A file is one that the page, or --export of wirebook connect and wirebook play, wrote.

Output
  A sentence that sums it up, then each turn that differs: what was sent (>) and received (<),
  line by line, - of the first stream, + of the second. \\r, \\n, \\xNN and the like stand for bytes.
  Reads are told where they differ, times where they differ by 10 ms and a fifth of the longer one.

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

const readsToldMax = 8;

/** The file is bounded, and so is what is in it. */
const everything = { firstEventsKept: Infinity, lastEventsKept: 0, bytesKept: Infinity };

export const compare: Command<typeof table> = {
  table,
  help,
  run(_, [first, second, ...rest], { out, paint, printError }) {
    if (first === undefined || second === undefined || rest.length > 0) {
      throw new SettingsError("compare takes two files; type wirebook compare FILE FILE");
    }
    const [one, other] = [readStream(first, printError), readStream(second, printError)];
    const { turns, ends, areEndsSame, summary, isSame } = compareStreams(one, other);
    const differing = turns.filter((pair) => !pair.isSame);
    const lines = [
      paint.strong(summary),
      ...(differing.length > 0 ? ["", paint.wrong(`--- ${one.name}`), paint.inward(`+++ ${other.name}`)] : []),
      ...differing.flatMap((pair) => [paint.faint(`@@ ${describeTurn(pair)}`), ...linesOf(pair, paint)]),
      ...(areEndsSame ? [] : [paint.faint(`@@ end: ${describeEnds(ends.one)} | ${describeEnds(ends.other)}`)]),
    ];
    for (const line of lines) out.write(`${line}\n`);
    return Promise.resolve(isSame ? exitCodes.done : exitCodes.negative);
  },
};

type NamedStream = ComparedStream & { readonly name: string };

/** @param word a file, and the number of one of its streams, from 1: `session.ndjson#2` */
function readStream(word: string, onNotice: (sentence: string) => void): NamedStream {
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

function toCompared(record: RecordedStream, name: string): NamedStream {
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

function linesOf(pair: TurnPair, paint: Paint): readonly string[] {
  if (pair.isSentSame && pair.isReceivedSame) return [];
  return foldLines(compareTurn(pair)).flatMap((line) => {
    if (typeof line === "number") {
      return paint.faint(`   … ${line} more ${line === 1 ? "line is" : "lines are"} the same`);
    }
    const { one, other, isSame } = line;
    const sign = line.isFromTarget ? "<" : ">";
    if (isSame && one !== undefined) return ` ${sign} ${describeLine(one)}`;
    return [
      ...(one === undefined ? [] : [paint.wrong(`-${sign} ${describeLine(one)}`)]),
      ...(other === undefined ? [] : [paint.inward(`+${sign} ${describeLine(other)}`)]),
    ];
  });
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
