/** `wirebook compare`: the streams of two files side by side, as a careful diff. */

import { decodeSession, sessionBytesMax, toStreamRecord } from "@wirebook/capture";
import { decodeText, plainText } from "@wirebook/protocol";
import { compareStreams, compareTurn, describeEnds, escapeText, foldLines, nameOfTurn } from "@wirebook/scenario";
import type { ComparedLine, Turn, TurnPair } from "@wirebook/scenario";
import { readSmallFile, SettingsError } from "@wirebook/settings";
import { exitCodes, type Command } from "./command.ts";
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

/** Characters of a message by which a stream is known. */
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

/** @param word a file, and the number of one of its streams, from 1: `session.ndjson#2` */
function readStream(word: string, onNotice: (sentence: string) => void) {
  const [, path = word, number] = /^(.+)#(\d{1,9})$/su.exec(word) ?? [];
  const content = readSmallFile(path, path, sessionBytesMax, "name a file that Wirebook exported as NDJSON");
  const { records, problems } = decodeSession(content);
  const [problem = "no stream is in it; export one first"] = problems;
  if (records.length === 0) throw new SettingsError(`${path}: ${problem}`);
  for (const each of problems) onNotice(`${path}: ${each}`);
  const record = number === undefined && records.length > 1 ? undefined : records[Number(number ?? 1) - 1];
  if (record === undefined) {
    throw new SettingsError(`${path} has ${records.length} streams; choose one by its number, as in '${path}#1'`);
  }
  // What is missing of a flow is to be an event as well, of which only the size is known.
  const { flow: _, ...line } = record;
  const name = `${word}  ${record.target} ${record.message.trim().slice(0, messageCharactersMax)}`;
  return { name: plainText(name.trimEnd()), startedMs: 0, events: toStreamRecord(line, everything).events };
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
