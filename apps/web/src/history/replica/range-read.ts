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
import { historyLineCharactersKept, snapshotWaitMs } from "../../limits.ts";
import { timeOf } from "../view/line-text.ts";
import type { HistoryReplica } from "./history-replica.ts";
import type { Deletion } from "./history-replica.ts";

const readOperation = 2;

/** The lines to read, for which user, and why. */
export interface ReadOrder {
  readonly user: string;
  readonly from: number;
  readonly to: number;
  readonly purpose: string;
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
  { user, from, to, purpose, onStart }: ReadOrder,
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

/** Cuts a stream of chunks into lines, without their line feeds. A line is kept up to a limit, and its end says so. */
export class LineSplitter {
  readonly #charactersMax: number;
  /** What has come of a line that has not ended. */
  #held: Uint8Array = nothing;

  constructor(charactersMax: number = historyLineCharactersKept) {
    this.#charactersMax = charactersMax;
  }

  /** Takes the next chunk and returns the lines that it completed. */
  push(chunk: Uint8Array): string[] {
    const end = chunk.lastIndexOf(lineFeed);
    const whole = end < 0 ? undefined : joinBytes(this.#held, chunk.subarray(0, end));
    const rest = end < 0 ? joinBytes(this.#held, chunk) : chunk.subarray(end + 1);
    // A copy: what is held must not keep the whole chunk in memory, nor change with it. More is not shown anyway.
    this.#held = rest.slice(0, bytesPerUnitMax * (this.#charactersMax + 1));
    return whole === undefined ? [] : this.#linesOf(whole);
  }

  /** The stream has ended: returns the line that had no end, if there is one. */
  finish(): string[] {
    const held = this.#held;
    this.#held = nothing;
    return held.length > 0 ? this.#linesOf(held) : [];
  }

  #linesOf(bytes: Uint8Array): string[] {
    const max = this.#charactersMax;
    return decodeText(bytes)
      .split("\n")
      .map((line) => (line.length > max ? `${line.slice(0, max)}… (cut)` : line));
  }
}
