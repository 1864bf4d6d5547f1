/**
 * Reads of the history with operation 2, each from one version of it [W-22].
 *
 * A deleted line moves all lines behind it, so lines that were read stand elsewhere by the time they arrive. The reply names
 * its version by a time, and the follow tells the time of every delete. A read therefore waits until the replica has
 * reached that version, and moves its lines by the deletes that are later.
 */

import { decodeSnapshotHeader, decodeText, joinBytes } from "@wirebook/protocol";
import type { Stream } from "../../streams/stream.svelte.ts";
import type { Streams } from "../../streams/streams.svelte.ts";
import { historyLineBytesKept, snapshotWaitMs } from "../../limits.ts";
import { timeOf } from "../view/line-text.ts";
import { HistoryReplica } from "./history-replica.ts";
import type { Deletion } from "./history-replica.ts";

const readOperation = 2;

/** The lines to read, for which user, and why. */
export interface ReadOrder {
  readonly user: string;
  readonly from: number;
  readonly to: number;
  readonly purpose: string;
  /** Receives the number of lines that have come so far. */
  readonly onProgress?: (lines: number) => void;
  /** Receives the exchange, so that it can be cancelled. */
  readonly onStart?: (stream: Stream) => void;
}

/**
 * Moves lines of a version to where they stand now. None is left when all were deleted since.
 *
 * @param from position of the first line in the version
 * @param time of the newest entry in the version
 * @param deletions those that the follow told of while the lines were read
 */
export function moveLines(
  lines: readonly string[],
  { from, time }: { readonly from: number; readonly time: string },
  deletions: readonly Deletion[],
): { readonly first: number; readonly lines: readonly string[] } {
  const left = [...lines];
  let first = from;
  for (const { position } of deletions.filter((each) => each.time > time)) {
    if (position === undefined) return { first, lines: [] };
    if (position < first) first -= 1;
    else if (position < first + left.length) left.splice(position - first, 1);
  }
  return { first, lines: left };
}

/**
 * Reads lines and puts them where they belong by then. False when that failed, or when the follow did not reach their
 * version.
 */
export async function readInto(
  streams: Streams,
  replica: HistoryReplica,
  { user, from, to, purpose, onProgress, onStart }: ReadOrder,
): Promise<boolean> {
  const deletions: Deletion[] = [];
  const stop = replica.listen((_, deletion) => deletion !== undefined && deletions.push(deletion));
  const splitter = new LineSplitter();
  const received: string[] = [];
  const stream = streams.request({
    user,
    operation: readOperation,
    values: [String(from), String(to), "snapshot"],
    by: "page",
    purpose,
    onResponse: (bytes) => {
      for (const line of splitter.push(bytes)) received.push(line);
      onProgress?.(Math.max(0, received.length - 1));
    },
  });
  if (stream !== undefined) {
    streams.keepFew(stream);
    onStart?.(stream);
  }
  await stream?.over;
  const [header = "", ...lines] = [...received, ...splitter.finish()];
  const isRead = stream?.state === "done" && stream.answer === "accepted" && lines.length > 0;
  const version = isRead ? decodeSnapshotHeader(header) : undefined;
  const isPlaced = version !== undefined && (await isReached(replica, version.time));
  stop();
  if (!isPlaced) return false;
  const moved = moveLines(lines, version, deletions);
  replica.put(moved.first, moved.lines);
  return true;
}

/** Reads the whole history into a new replica, which keeps the newest lines: for a server that cannot be followed. */
export async function readWhole(
  streams: Streams,
  user: string,
): Promise<{ stream: Stream | undefined; replica: HistoryReplica }> {
  const replica = new HistoryReplica();
  const splitter = new LineSplitter();
  const append = (line: string) => replica.append(line);
  const stream = streams.request({
    user,
    operation: readOperation,
    by: "page",
    purpose: "to show the history",
    onResponse: (bytes) => splitter.push(bytes).forEach(append),
  });
  await stream?.over;
  splitter.finish().forEach(append);
  replica.floor = replica.tailFirst;
  return { stream, replica };
}

/** Waits for the follow to reach a version. False when it takes too long: the follow has ended. */
async function isReached(replica: HistoryReplica, time: string): Promise<boolean> {
  if (replica.newestTime >= time) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const stop = replica.listen((line) => timeOf(line) >= time && resolve(true));
  const timer = setTimeout(() => resolve(false), snapshotWaitMs);
  const isSeen = await promise;
  stop();
  clearTimeout(timer);
  return isSeen;
}

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);

/** UTF-8 takes at most three bytes for each unit of a string. */
const bytesPerUnitMax = 3;

/**
 * Cuts a stream of chunks into lines, without their line feeds.
 *
 * A line is kept up to a limit. A mark at its end counts the bytes beyond it, so that two such lines of different
 * length still compare as different.
 */
export class LineSplitter {
  readonly #bytesMax: number;
  #held: Uint8Array = nothing;
  #cutBytes = 0;

  constructor(bytesMax: number = historyLineBytesKept) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next chunk and returns the lines that it completed. */
  push(chunk: Uint8Array): string[] {
    const firstEnd = chunk.indexOf(lineFeed);
    const lastEnd = chunk.lastIndexOf(lineFeed);
    this.#hold(firstEnd < 0 ? chunk : chunk.subarray(0, firstEnd));
    const lines = firstEnd < 0 ? [] : [this.#take()];
    if (lastEnd > firstEnd) for (const line of this.#takeWhole(chunk.subarray(firstEnd + 1, lastEnd))) lines.push(line);
    if (firstEnd >= 0) this.#hold(chunk.subarray(lastEnd + 1));
    // What is held must not keep the whole chunk in memory, nor change with it.
    this.#held = this.#held.slice();
    return lines;
  }

  /** The stream has ended: returns the line that had no end, if there is one. */
  finish(): string[] {
    return this.#held.length > 0 ? [this.#take()] : [];
  }

  /** Whole lines are decoded at once, many times as fast, unless one of them may be too long. */
  #takeWhole(block: Uint8Array): string[] {
    const lines = decodeText(block).split("\n");
    if (lines.every(({ length }) => length * bytesPerUnitMax <= this.#bytesMax)) return lines;
    const cut: string[] = [];
    for (let from = 0; from <= block.length;) {
      const end = block.indexOf(lineFeed, from);
      this.#hold(block.subarray(from, end < 0 ? block.length : end));
      cut.push(this.#take());
      from = end < 0 ? block.length + 1 : end + 1;
    }
    return cut;
  }

  #hold(part: Uint8Array): void {
    const fitting = part.subarray(0, this.#bytesMax - this.#held.length);
    this.#held = joinBytes(this.#held, fitting);
    this.#cutBytes += part.length - fitting.length;
  }

  #take(): string {
    const text = decodeText(this.#held);
    const line = this.#cutBytes > 0 ? `${text}… (and ${this.#cutBytes} bytes more)` : text;
    this.#held = nothing;
    this.#cutBytes = 0;
    return line;
  }
}
