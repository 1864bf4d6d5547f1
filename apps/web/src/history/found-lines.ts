/** The line of the history that an exchange left there [W-8], found in the replica that the page keeps. */

import { decodeText, decodeTime, encodeText, quoteText, redactMessage } from "@wirebook/protocol";
import type { Stream } from "../streams/stream.svelte.ts";
import type { HistoryReplica } from "./replica/history-replica.ts";
import { timeOf } from "./view/line-text.ts";

export interface LineQuery {
  /** The message without a key and without its line ending [H-3], [H-5]. */
  readonly message: string;
  /** About when it was written, by the page's clock. The server's clock may differ. */
  readonly aboutMs: number;
  /** The time of the newest line known when the message was sent: its own line is newer, by any clock [H-2]. */
  readonly after: string | undefined;
}

export interface FoundLine {
  readonly line: string;
  readonly position: number;
  /** Other lines with the same message; this one is the nearest in time. */
  readonly others: number;
}

/** Lines that are searched, from the newest back. */
const searchedMax = 5000;

/** Lines by number from 1; `undefined` where one is not held. */
export type HeldLines = Pick<HistoryReplica, "at" | "last">;

/** The best match, searched as far back as the lines are held without a gap. */
export function findLine(lines: HeldLines, query: LineQuery): FoundLine | undefined {
  const tail = ` ${quoteText(query.message)}`;
  let best: FoundLine | undefined;
  let bestDistance = Infinity;
  let count = 0;
  for (const { line, position } of backwards(lines, query.after)) {
    const atUs = line.endsWith(tail) ? decodeTime(timeOf(line)) : undefined;
    if (atUs === undefined) continue;
    count += 1;
    const distance = Math.abs(atUs / 1000 - query.aboutMs);
    if (distance >= bestDistance) continue;
    best = { line, position, others: 0 };
    bestDistance = distance;
  }
  return best && { ...best, others: count - 1 };
}

/** The number of a line that was found before; `undefined` when it is not among those searched. */
export function positionOf(lines: HeldLines, line: string): number | undefined {
  const time = timeOf(line);
  for (const each of backwards(lines, undefined)) {
    if (each.line === line) return each.position;
    if (isUpTo(each.line, time)) return undefined;
  }
  return undefined;
}

/** The newest lines, each with its position, up to a time. */
function* backwards(lines: HeldLines, after: string | undefined): Generator<Pick<FoundLine, "line" | "position">> {
  for (let position = lines.last; position > Math.max(0, lines.last - searchedMax); position--) {
    const line = lines.at(position);
    if (line === undefined || (after !== undefined && isUpTo(line, after))) return;
    yield { line, position };
  }
}

/** True for a line from that time or before; external lines have no timestamp [H-8]. */
function isUpTo(line: string, time: string): boolean {
  const own = timeOf(line);
  return own !== "" && own <= time;
}

/** The lines that exchanges left in the history. A line that was found is kept: its timestamp is its identity. */
export class FoundLines {
  readonly #found = new WeakMap<Stream, FoundLine>();

  /** The line of an exchange in a replica of the history; `undefined` while it is not there. */
  find(stream: Stream, lines: HeldLines): FoundLine | undefined {
    if (!stream.isWithServer || stream.flow !== undefined) return undefined;
    const known = this.#found.get(stream);
    if (known !== undefined) {
      const position = positionOf(lines, known.line);
      return position === undefined ? undefined : { ...known, position };
    }
    const found = findLine(lines, queryFor(stream));
    // Before the reply, or among lines like it, a nearer line may still come.
    const isAnswered = stream.state !== "running" || stream.receivedBytes > 0;
    if (found?.others === 0 && isAnswered) this.#found.set(stream, found);
    return found;
  }

  /** The exchange that left a line, among those that the page still has. */
  streamOf(line: string, streams: readonly Stream[], lines: HeldLines): Stream | undefined {
    return streams.findLast(
      (stream) => line.endsWith(` ${quoteText(queryFor(stream).message)}`) && this.find(stream, lines)?.line === line,
    );
  }
}

/** What to look for of an exchange. */
export function queryFor(stream: Stream): LineQuery {
  const message = redactMessage(receivedMessage(stream));
  return { message, aboutMs: stream.sentAt.getTime(), after: stream.intent.after };
}

/** The message as far as the server got it, without its line ending. */
function receivedMessage({ intent, record, state, failure }: Stream): string {
  const isKnown = state !== "running" && failure?.code !== "gateway-lost";
  const sentBytes = isKnown ? record.sentBytes : undefined;
  const sent = decodeText(encodeText(intent.message).subarray(0, sentBytes));
  return (sent.split("\n", 1)[0] ?? "").replace(/\r$/, "");
}
