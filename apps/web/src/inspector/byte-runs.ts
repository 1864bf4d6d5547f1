/** Where the message's bytes stand in the page's first frame and in its line of the history. */

import { encodeText, quoteText } from "@wirebook/protocol";
import { sameBytes } from "./span.ts";
import type { ByteRun } from "./span.ts";

const bytesOf = (text: string) => encodeText(text).length;

/** The segments of the first frame's JSON text: the words of a `request`, or the base64 of a `raw` frame. */
export function runsOfFrame(payload: string, message: string): readonly ByteRun[] {
  const base64 = /"bytes":"([A-Za-z0-9+/=]*)"/.exec(payload);
  if (base64 !== null && payload.startsWith('{"type":"raw"')) {
    const from = bytesOf(payload.slice(0, base64.index + '"bytes":"'.length));
    return [{ from, to: from + (base64[1] ?? "").length, at: 0, ownUnit: 4, streamUnit: 3 }];
  }
  return segmentsOfWords(payload, message);
}

/** Each word of the message is found behind the one before, in the frame as in the message. */
function segmentsOfWords(payload: string, message: string): ByteRun[] {
  const segments: ByteRun[] = [];
  let inFrame = Math.max(0, payload.indexOf('"user":') + '"user":'.length);
  for (const { 0: word, index } of message.matchAll(/\S+/gu)) {
    const written = JSON.stringify(word).slice(1, -1);
    const found = payload.indexOf(written, inFrame);
    if (found < 0) break;
    inFrame = found + written.length;
    segments.push(
      segment(bytesOf(payload.slice(0, found)), bytesOf(written), bytesOf(message.slice(0, index)), bytesOf(word)),
    );
  }
  return segments;
}

/** The segments of a line of the history [H-3], in which the message stands quoted and without its key [H-5]. */
export function runsOfLine(line: string, message: string): readonly ByteRun[] {
  const quote = line.indexOf('"');
  if (quote < 0) return [];
  const key = /^\s*[^\s~]*(~\S+)/u.exec(message)?.[1] ?? "";
  const keyFrom = key === "" ? Infinity : message.indexOf(key);
  const end = bytesOf(line.slice(0, line.lastIndexOf('"')));
  const segments: ByteRun[] = [];
  let own = bytesOf(line.slice(0, quote + 1));
  let at = 0;
  let unit = 0;
  for (const character of message) {
    const isKey = unit >= keyFrom && unit < keyFrom + key.length;
    const ownBytes = isKey ? 0 : bytesOf(quoteText(character)) - 2;
    if (character === "\n" || own + ownBytes > end) break;
    if (!isKey) append(segments, segment(own, ownBytes, at, bytesOf(character)));
    own += ownBytes;
    at += bytesOf(character);
    unit += character.length;
  }
  return segments;
}

function segment(from: number, ownBytes: number, at: number, streamBytes: number): ByteRun {
  if (ownBytes === streamBytes) return sameBytes(from, ownBytes, at);
  return { from, to: from + ownBytes, at, ownUnit: ownBytes, streamUnit: streamBytes };
}

/** Joins a segment to the last one where it only goes on. */
function append(segments: ByteRun[], next: ByteRun): void {
  const last = segments.at(-1);
  const goesOn = last?.to === next.from && last.ownUnit === 1 && next.ownUnit === 1 && next.streamUnit === 1;
  if (last !== undefined && goesOn && last.at + (last.to - last.from) === next.at) {
    segments[segments.length - 1] = { ...last, to: next.to };
  } else segments.push(next);
}
