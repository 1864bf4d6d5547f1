/**
 * Which bytes belong together across message, frame, read and history.
 *
 * Each exchange has two streams of bytes on TCP: sent and received. Everything else that shows some of these bytes (the
 * JSON of a frame, base64, a quoted line of the history) has runs: they say which bytes of the stream its own bytes stand
 * for.
 */

import { encodeText, quoteText } from "@wirebook/protocol";

export interface Span {
  readonly stream: "sent" | "received";
  readonly from: number;
  readonly to: number;
}

/** Every `ownUnit` bytes from `from` on stand for `streamUnit` bytes of the stream from `at` on. */
export interface ByteRun {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly ownUnit: number;
  readonly streamUnit: number;
}

export function touches(one: Span | undefined, other: Span | undefined): boolean {
  if (one === undefined || other === undefined || one.stream !== other.stream) return false;
  return one.from < other.to && other.from < one.to;
}

/** The bytes of the stream for which all runs stand together; they must be in order. */
export function spanOfRuns(runs: readonly ByteRun[], stream: Span["stream"]): Span | undefined {
  const [first, last] = [runs[0], runs.at(-1)];
  const end = last && spanAt(runs, stream, last.to - 1);
  return first && end && { stream, from: first.at, to: end.to };
}

/** The bytes of the stream for which the own byte at an offset stands. */
export function spanAt(runs: readonly ByteRun[], stream: Span["stream"], offset: number): Span | undefined {
  const run = runs.find(({ from, to }) => offset >= from && offset < to);
  if (run === undefined) return undefined;
  const from = run.at + Math.floor((offset - run.from) / run.ownUnit) * run.streamUnit;
  return { stream, from, to: from + run.streamUnit };
}

/** Own bytes that are the stream's, one for one. */
export function sameBytes(from: number, bytes: number, at: number): ByteRun {
  return { from, to: from + bytes, at, ownUnit: 1, streamUnit: 1 };
}

const bytesOf = (text: string) => encodeText(text).length;

/** The runs of the first frame's JSON text: the words of a `request`, or the base64 of a `connect` frame. */
export function runsOfFrame(payload: string, message: string): readonly ByteRun[] {
  const base64 = /"bytes":"([A-Za-z0-9+/=]*)"/.exec(payload);
  if (base64 !== null && !payload.startsWith('{"type":"request"')) {
    const from = bytesOf(payload.slice(0, base64.index + '"bytes":"'.length));
    return [{ from, to: from + (base64[1] ?? "").length, at: 0, ownUnit: 4, streamUnit: 3 }];
  }
  return runsOfWords(payload, message);
}

/** The words of the message come in the same order in the frame. */
function runsOfWords(payload: string, message: string): ByteRun[] {
  const runs: ByteRun[] = [];
  let inFrame = Math.max(0, payload.indexOf('"user":') + '"user":'.length);
  for (const { 0: word, index } of message.matchAll(/\S+/gu)) {
    const written = JSON.stringify(word).slice(1, -1);
    const found = payload.indexOf(written, inFrame);
    if (found < 0) break;
    inFrame = found + written.length;
    runs.push(
      makeRun(bytesOf(payload.slice(0, found)), bytesOf(written), bytesOf(message.slice(0, index)), bytesOf(word)),
    );
  }
  return runs;
}

/** The runs of a line of the history [H-3], in which the message stands quoted and without its key [H-5]. */
export function runsOfLine(line: string, message: string): readonly ByteRun[] {
  const quote = line.indexOf('"');
  if (quote < 0) return [];
  const key = /^\s*[^\s~]*(~\S+)/u.exec(message)?.[1] ?? "";
  const keyFrom = key === "" ? Infinity : message.indexOf(key);
  const end = bytesOf(line.slice(0, line.lastIndexOf('"')));
  const runs: ByteRun[] = [];
  let own = bytesOf(line.slice(0, quote + 1));
  let at = 0;
  let unit = 0;
  for (const character of message) {
    const isKey = unit >= keyFrom && unit < keyFrom + key.length;
    const ownBytes = isKey ? 0 : bytesOf(quoteText(character)) - 2;
    if (character === "\n" || own + ownBytes > end) break;
    if (!isKey) runs.push(makeRun(own, ownBytes, at, bytesOf(character)));
    own += ownBytes;
    at += bytesOf(character);
    unit += character.length;
  }
  return runs;
}

function makeRun(from: number, ownBytes: number, at: number, streamBytes: number): ByteRun {
  if (ownBytes === streamBytes) return sameBytes(from, ownBytes, at);
  return { from, to: from + ownBytes, at, ownUnit: ownBytes, streamUnit: streamBytes };
}
