/**
 * What one server knows of the stream: the lines up to a sequence, their ranks, their times, their bytes.
 *
 * Every server applies the same messages in the same order by the same rules, so all agree on every line number and time
 * without asking each other. Memory holds the index (what is *not* a line), the newest lines, and what was deleted and
 * is not erased yet; nothing for a line that merely exists.
 *
 * A line's time is when the cluster took it, made strictly increasing: a new leader's clock may be behind the old one's,
 * and then a line gets the time before plus one microsecond. Such a *repair* is remembered in the bucket, since it could
 * not be found out again once the line before is erased.
 */

import { EventEmitter } from "node:events";
import type { AppendResult } from "@wirebook/history";
import { encodeTime } from "@wirebook/protocol";
import { recentBytesMax, recentLinesMax } from "./limits.ts";
import type { RankIndex } from "./rank-index.ts";
import { erasureOf, lineBytes, lineOf } from "./message.ts";
import type { StoredMessage } from "./message.ts";

/** Where a view begins. */
export interface ProjectionStart {
  readonly index: RankIndex;
  readonly bytes: number;
  /** Microseconds of the last line's time. */
  readonly lastTimeUs: number;
  /** The last message of the subject for changes, or 0. */
  readonly lastChange: number;
  /** Deleted lines whose messages are still there, by the sequence of what deleted each. */
  readonly pending: ReadonlyMap<number, number>;
  /** The latest delete of all, or 0. */
  readonly lastDeleteAll: number;
}

interface Events {
  /** The view has grown, or has ended. */
  readonly change: [];
  /** A message deletes something. */
  readonly erasure: [by: number, target: number | "all"];
  /** A line's time is not the cluster's. */
  readonly repair: [sequence: number, timeUs: number];
}

/** See above. */
export class Projection extends EventEmitter<Events> {
  readonly #changeSubject: string;
  readonly #repairs = new Map<number, number>();
  /** The newest lines by sequence, as many as `recentBytesMax` holds. */
  readonly #recent = new Map<number, Uint8Array>();
  readonly #positions = new Map<number, AppendResult>();
  #recentBytes = 0;
  #index: RankIndex;
  #bytes: number;
  #lastTimeUs: number;
  #lastChange: number;
  #deletedBy: Map<number, number>;
  /** Sequences of deletes of all, ascending. */
  #deleteAlls: number[];
  #end: Error | "closed" | undefined;

  constructor(changeSubject: string, start: ProjectionStart) {
    super();
    this.setMaxListeners(0);
    this.#changeSubject = changeSubject;
    this.#index = start.index;
    this.#bytes = start.bytes;
    this.#lastTimeUs = start.lastTimeUs;
    this.#lastChange = start.lastChange;
    this.#deletedBy = new Map(start.pending);
    this.#deleteAlls = start.lastDeleteAll === 0 ? [] : [start.lastDeleteAll];
  }

  get lines(): number {
    return this.#index.lines;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The sequence that it has seen up to. */
  get last(): number {
    return this.#index.end - 1;
  }

  get lastTimeUs(): number {
    return this.#lastTimeUs;
  }

  get lastChange(): number {
    return this.#lastChange;
  }

  /** Why it does not grow any more. */
  get end(): Error | "closed" | undefined {
    return this.#end;
  }

  /** The sequence of a line from 1; of the one after the last, the next sequence. */
  sequenceOf(position: number): number {
    return this.#index.sequenceOf(position) ?? this.last + 1;
  }

  /** True when a line stood at a moment, given by the last sequence that was seen then. */
  stoodAt(sequence: number, moment: number): boolean {
    if ((this.#deletedBy.get(sequence) ?? Infinity) <= moment) return false;
    const all = this.#deleteAlls.findLast((each) => each <= moment) ?? 0;
    return sequence >= all;
  }

  /** Where and when a line was written, for as long as it is remembered. */
  writtenAt(sequence: number): AppendResult | undefined {
    return this.#positions.get(sequence);
  }

  /** A line, if it is among the newest. */
  recentLine(sequence: number): Uint8Array | undefined {
    return this.#recent.get(sequence);
  }

  /** The line of a message of the past. */
  lineOf(message: StoredMessage): Uint8Array {
    return lineOf(message, this.#repairs.get(message.sequence) ?? message.takenUs);
  }

  /** The time of a line, as its head has it. */
  timestampOf({ sequence, takenUs }: Pick<StoredMessage, "sequence" | "takenUs">): string {
    return encodeTime(this.#repairs.get(sequence) ?? takenUs);
  }

  /** Another server, or an earlier run, found out about a line's time. */
  noteRepair(sequence: number, timeUs: number): void {
    this.#repairs.set(sequence, timeUs);
  }

  /** Applies the next message. */
  apply(message: StoredMessage): void {
    const { sequence, headers, subject } = message;
    const timeUs = this.#timeOf(message);
    const line = lineOf(message, timeUs);
    const erasure = erasureOf(headers);
    if (erasure === "all") this.#deleteAll(sequence);
    else if (erasure !== undefined) this.#delete(sequence, erasure.sequence, erasure.bytes);
    this.#index.append(sequence);
    this.#bytes += lineBytes(message);
    this.#lastTimeUs = timeUs;
    if (subject === this.#changeSubject) this.#lastChange = sequence;
    this.#remember(sequence, line, { position: this.#index.lines, time: encodeTime(timeUs) });
    if (erasure !== undefined) this.emit("erasure", sequence, erasure === "all" ? "all" : erasure.sequence);
    this.emit("change");
  }

  /** Forgets what nobody can ask for any more: a deleted line that was erased, before all readers' moments. */
  forgetErased(sequence: number): void {
    this.#deletedBy.delete(sequence);
  }

  /** Says that it will not grow any more; only the first call counts. */
  finish(end: Error | "closed"): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.emit("change");
  }

  #timeOf({ sequence, takenUs }: StoredMessage): number {
    const timeUs = this.#repairs.get(sequence) ?? Math.max(takenUs, this.#lastTimeUs + 1);
    if (timeUs !== takenUs && !this.#repairs.has(sequence)) {
      this.#repairs.set(sequence, timeUs);
      this.emit("repair", sequence, timeUs);
    }
    return timeUs;
  }

  #deleteAll(by: number): void {
    this.#index.removeBefore(by);
    this.#bytes = 0;
    this.#deleteAlls.push(by);
    for (const sequence of this.#repairs.keys()) if (sequence < by) this.#repairs.delete(sequence);
  }

  #delete(by: number, sequence: number, bytes: number): void {
    // One that this server never saw was deleted and erased while it was cut off.
    if (this.#index.remove(sequence)) this.#bytes -= bytes;
    this.#deletedBy.set(sequence, by);
  }

  #remember(sequence: number, line: Uint8Array, written: AppendResult): void {
    this.#recent.set(sequence, line);
    this.#recentBytes += line.length;
    for (const [oldest, bytes] of this.#recent) {
      if (this.#recentBytes <= recentBytesMax) break;
      this.#recent.delete(oldest);
      this.#recentBytes -= bytes.length;
    }
    this.#positions.set(sequence, written);
    if (this.#positions.size <= recentLinesMax) return;
    for (const oldest of this.#positions.keys()) {
      this.#positions.delete(oldest);
      return;
    }
  }
}
