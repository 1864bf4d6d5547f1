/**
 * What one server knows of the stream: the lines up to a sequence, their ranks, their times, their bytes.
 *
 * Every server applies the same messages in the same order by the same rules, so all agree on every line number and time
 * without asking each other [N-3]. Memory holds the index, the newest lines, and what was deleted and is not erased yet.
 *
 * A line's time is when the cluster took it, made strictly increasing: a new leader's clock may be behind the old one's,
 * and then a line gets the time before plus one microsecond [N-4]. Such a *repair* is noted in the bucket of the state,
 * since it cannot be computed again once the line before is erased.
 */

import { EventEmitter } from "node:events";
import type { AppendResult } from "@wirebook/history";
import { decodeText, encodeTime, timestampOf } from "@wirebook/protocol";
import { decodeErasure, encodeLine, lineBytes } from "./message.ts";
import type { Erasure, StoredMessage } from "./message.ts";
import type { RankIndex } from "./rank-index.ts";

/** Bytes of the newest lines, which feeds read from memory. */
export const recentBytesMax = 4 * 1024 * 1024;

/** What is known of the stream up to its last message. */
export interface Known {
  readonly index: RankIndex;
  bytes: number;
  /** Microseconds of the last line's time. */
  lastTimeUs: number;
  /** The last message of the subject for changes, or 0. */
  lastChange: number;
  /** Times that are not the cluster's, by sequence. */
  readonly repairs: Map<number, number>;
  /** Lines that are deleted and not erased: the sequence of the delete. */
  readonly deletedBy: Map<number, number>;
  /** Sequences of deletes of all, ascending. */
  deleteAlls: number[];
}

interface Events {
  /** The projection has grown, or has ended. */
  readonly change: [];
  /** A message deletes something. */
  readonly erasure: [by: StoredMessage, erasure: Erasure];
  /** A line's time is not the cluster's. */
  readonly repair: [sequence: number, timeUs: number];
}

export class Projection extends EventEmitter<Events> {
  readonly known: Known;
  readonly #changeSubject: string;
  /** The newest lines by sequence, as many as `recentBytesMax` holds. */
  readonly #recent = new Map<number, Uint8Array>();
  #recentBytes = 0;
  #end: Error | "closed" | undefined;

  constructor(changeSubject: string, known: Known) {
    super();
    this.setMaxListeners(0);
    this.#changeSubject = changeSubject;
    this.known = known;
  }

  get lines(): number {
    return this.known.index.lines;
  }

  /** The last sequence that was applied. */
  get last(): number {
    return this.known.index.end - 1;
  }

  /** Why it does not grow any more. */
  get end(): Error | "closed" | undefined {
    return this.#end;
  }

  /** The sequence of a line from 1; of the one after the last, the next sequence. */
  sequenceOf(position: number): number {
    return this.known.index.sequenceOf(position) ?? this.known.index.end;
  }

  /** True when a line stood at a moment, given by the last sequence that was applied then. */
  stoodAt(sequence: number, moment: number): boolean {
    if (this.known.index.has(sequence)) return true;
    const by = this.known.deletedBy.get(sequence) ?? this.known.deleteAlls.find((all) => all > sequence) ?? 0;
    return by > moment;
  }

  /** A line, if it is among the newest. */
  recentLine(sequence: number): Uint8Array | undefined {
    return this.#recent.get(sequence);
  }

  /** The line of a message of the past. */
  lineOf(message: StoredMessage): Uint8Array {
    return encodeLine(message, this.known.repairs.get(message.sequence) ?? message.takenUs);
  }

  /** The first word of that line: its time, unless the line is external. */
  timestampOf(message: StoredMessage): string {
    return timestampOf(decodeText(this.lineOf(message)));
  }

  /** Applies the next message. */
  apply(message: StoredMessage): AppendResult {
    const known = this.known;
    const { sequence, headers, subject } = message;
    const timeUs = this.#timeOf(message);
    const erasure = decodeErasure(headers);
    if (erasure === "all") this.#deleteAll(sequence);
    else if (erasure !== undefined) this.#delete(sequence, erasure);
    known.index.append(sequence);
    known.bytes += lineBytes(message);
    known.lastTimeUs = timeUs;
    if (subject === this.#changeSubject) known.lastChange = sequence;
    this.#remember(sequence, encodeLine(message, timeUs));
    if (erasure !== undefined) this.emit("erasure", message, erasure);
    this.emit("change");
    return { position: known.index.lines, time: encodeTime(timeUs) };
  }

  /** Forgets what no batch can bring any more: what was erased a while ago, before the moments of all readers. */
  forgetErased(by: number, erasure: Erasure): void {
    if (erasure !== "all") return void this.known.deletedBy.delete(erasure.sequence);
    this.known.deleteAlls = this.known.deleteAlls.filter((all) => all > by);
    for (const known of [this.known.deletedBy, this.known.repairs]) {
      for (const sequence of known.keys()) if (sequence < by) known.delete(sequence);
    }
  }

  /** Says that it does not grow any more; only the first call counts. */
  finish(end: Error | "closed"): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.emit("change");
  }

  #timeOf({ sequence, takenUs }: StoredMessage): number {
    const timeUs = this.known.repairs.get(sequence) ?? Math.max(takenUs, this.known.lastTimeUs + 1);
    if (timeUs !== takenUs && !this.known.repairs.has(sequence)) {
      this.known.repairs.set(sequence, timeUs);
      this.emit("repair", sequence, timeUs);
    }
    return timeUs;
  }

  #deleteAll(by: number): void {
    this.known.index.removeBefore(by);
    this.known.bytes = 0;
    this.known.deleteAlls.push(by);
  }

  #delete(by: number, { sequence, bytes }: Exclude<Erasure, "all">): void {
    // A line that this server never saw was deleted and erased while it was cut off.
    if (!this.known.index.remove(sequence)) return;
    this.known.bytes -= bytes;
    this.known.deletedBy.set(sequence, by);
  }

  #remember(sequence: number, line: Uint8Array): void {
    this.#recent.set(sequence, line);
    this.#recentBytes += line.length;
    for (const [oldest, { length }] of this.#recent) {
      if (this.#recentBytes <= recentBytesMax) break;
      this.#recent.delete(oldest);
      this.#recentBytes -= length;
    }
  }
}
