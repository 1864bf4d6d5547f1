/** The line of the history that an exchange left there [W-8], found in the replica that the page keeps. */

import { decodeText, decodeTime, encodeText, quoteText, redactMessage } from "@wirebook/protocol";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Bookmark, HistoryReplica } from "./replica/history-replica.ts";

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

/** Characters of the timestamp of a line [H-2]. */
const timeLength = 27;

/** Lines by number from 1; `undefined` where one is not held. */
export type HeldLines = Pick<HistoryReplica, "at" | "last">;

/**
 * The best match, searched as far back as the lines are held without a gap.
 *
 * @param behind the number of a line up to which there is none
 */
export function findLine(lines: HeldLines, query: LineQuery, behind = 0): FoundLine | undefined {
  const tail = ` ${quoteText(query.message)}`;
  let best: FoundLine | undefined;
  let bestDistance = Infinity;
  let count = 0;
  for (const { line, position } of backwards(lines, query.after, behind)) {
    if (!line.endsWith(tail)) continue;
    const time = decodeTime(line.slice(0, timeLength));
    if (time === undefined) continue;
    count += 1;
    const distance = Math.abs(time / 1000 - query.aboutMs);
    if (distance >= bestDistance) continue;
    best = { line, position, others: 0 };
    bestDistance = distance;
  }
  return best && { ...best, others: count - 1 };
}

/** The number of a line that was found before; `undefined` when it is not among those searched. */
export function positionOf(lines: HeldLines, line: string): number | undefined {
  for (const each of backwards(lines, undefined)) {
    if (each.line === line) return each.position;
    if (isUpTo(each.line, line.slice(0, timeLength))) return undefined;
  }
  return undefined;
}

/** The time of the newest line that has one. */
export function newestTime(lines: HeldLines): string | undefined {
  for (const { line } of backwards(lines, undefined)) {
    const time = line.slice(0, timeLength);
    if (decodeTime(time) !== undefined) return time;
  }
  return undefined;
}

/** The newest lines, each with its position, up to a time. */
function* backwards(
  lines: HeldLines,
  after: string | undefined,
  behind = 0,
): Generator<Pick<FoundLine, "line" | "position">> {
  for (let position = lines.last; position > Math.max(behind, lines.last - searchedMax); position--) {
    const line = lines.at(position);
    if (line === undefined || (after !== undefined && isUpTo(line, after))) return;
    yield { line, position };
  }
}

/** True for a line from that time or before; external lines have no timestamp [H-8]. */
function isUpTo(line: string, time: string): boolean {
  return line.slice(0, timeLength) <= time && decodeTime(line.slice(0, timeLength)) !== undefined;
}

/** How far an exchange's line was searched without success. */
interface FailedSearch {
  readonly stream: Stream;
  readonly copy: HistoryReplica;
  readonly puts: number;
  readonly message: string;
  readonly upTo: Bookmark;
}

/** The lines that exchanges left in the history. A line that was found is kept: its timestamp is its identity. */
export class FoundLines {
  readonly #found = new WeakMap<Stream, FoundLine>();
  /** Where the line of the latest exchange is, also after deletes above it. */
  #held: { readonly stream: Stream; readonly copy: HistoryReplica; readonly mark: Bookmark } | undefined;
  /** The last search, if it found nothing. */
  #failed: FailedSearch | undefined;

  /** The line of an exchange in a replica of the history; `undefined` while it is not there. */
  find(stream: Stream, copy: HistoryReplica): FoundLine | undefined {
    if (!stream.isWithServer) return undefined;
    const known = this.#found.get(stream);
    if (known !== undefined) {
      const position = this.#positionOf(stream, copy, known.line);
      return position === undefined ? undefined : { ...known, position };
    }
    const found = this.#search(stream, copy);
    // Before the reply, or among lines like it, a nearer line may still come.
    const isAnswered = stream.state !== "running" || stream.receivedBytes > 0;
    if (found?.others === 0 && isAnswered) this.#found.set(stream, found);
    return found;
  }

  /** A thousand lines may come in a second, so none is searched twice. */
  #search(stream: Stream, copy: HistoryReplica): FoundLine | undefined {
    const query = queryFor(stream);
    const { message } = query;
    const found = findLine(copy, query, this.#searchedUpTo(stream, copy, message));
    this.#failed?.copy.unmark(this.#failed.upTo);
    this.#failed =
      found === undefined ? { stream, copy, puts: copy.puts, message, upTo: copy.mark(copy.last) } : undefined;
    return found;
  }

  #searchedUpTo(stream: Stream, copy: HistoryReplica, message: string): number {
    const failed = this.#failed;
    const isSame = failed?.stream === stream && failed.copy === copy && failed.message === message;
    return isSame && failed.puts === copy.puts && !failed.upTo.isGone ? failed.upTo.position : 0;
  }

  #positionOf(stream: Stream, copy: HistoryReplica, line: string): number | undefined {
    if (this.#held?.stream !== stream || this.#held.copy !== copy) {
      this.#held?.copy.unmark(this.#held.mark);
      this.#held = undefined;
      const position = positionOf(copy, line);
      if (position === undefined) return undefined;
      this.#held = { stream, copy, mark: copy.mark(position) };
    }
    return this.#held.mark.isGone ? undefined : this.#held.mark.position;
  }

  /** The exchange that left a line, among those that the page still has. */
  streamOf(line: string, streams: readonly Stream[], copy: HistoryReplica): Stream | undefined {
    return streams.findLast(
      (stream) => line.endsWith(` ${quoteText(queryFor(stream).message)}`) && this.find(stream, copy)?.line === line,
    );
  }

  whyMissing(stream: Stream, hasConnected: boolean): string {
    if (!stream.isWithServer) return "Only a Wirebook server has a history.";
    if (stream.at.written === undefined && stream.state !== "running") {
      return "The server received nothing, so the history has no line of it.";
    }
    if (!hasConnected) return "Select Connect to follow the history and find the line there.";
    return "The part of the history that this page holds does not have the line. It may be deleted, or the server writes another format.";
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
