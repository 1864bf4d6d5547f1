/**
 * What one server knows of the stream: the lines up to a sequence, their ranks, their times, their bytes.
 *
 * Every server applies the same messages in the same order by the same rules, so all agree [N-3]. A line's time is when the
 * cluster took it, made strictly increasing: a new leader's clock may be behind the old one's [N-4]. Such a *repair* is
 * noted in the bucket of the state, since it cannot be computed again once the line before is erased.
 */

import { EventEmitter } from "node:events";
import type { AppendResult } from "@wirebook/history";
import { encodeTime } from "@wirebook/protocol";
import { decodeErasure, encodeLine, lineBytes, type Erasure, type StoredMessage } from "./message.ts";
import type { RankIndex } from "./rank-index.ts";

/** Bytes of the newest lines, which feeds read from memory. */
export const recentBytesMax = 4 * 1024 * 1024;

export interface Known {
  readonly index: RankIndex;
  bytes: number;
  lastTimeUs: number;
  /** The last message of the subject for changes, or 0. */
  lastChange: number;
  /** Times that are not the cluster's, by sequence. */
  readonly repairs: Map<number, number>;
  /** Lines that are deleted and not erased: the sequence of the delete. */
  readonly deletedBy: Map<number, number>;
  deleteAlls: number[];
}

/** Emits `change` when it has grown, or has ended. */
export class Projection extends EventEmitter<{ readonly change: [] }> {
  readonly known: Known;
  end: Error | "closed" | undefined;
  readonly #changeSubject: string;
  /** The newest lines by sequence, as many as `recentBytesMax` holds. */
  readonly #recent = new Map<number, Uint8Array>();
  #recentBytes = 0;

  constructor(changeSubject: string, known: Known) {
    super();
    this.setMaxListeners(0);
    this.#changeSubject = changeSubject;
    this.known = known;
  }

  get lines(): number {
    return this.known.index.lines;
  }

  get last(): number {
    return this.known.index.end - 1;
  }

  /** The sequence of a line from 1; of the one after the last, the next sequence. */
  sequenceOf(position: number): number {
    return this.known.index.sequenceOf(position) ?? this.known.index.end;
  }

  /** True when a line stood at a moment, given by the last sequence that was applied then. */
  stoodAt(sequence: number, moment: number): boolean {
    const { index, deletedBy, deleteAlls } = this.known;
    return index.has(sequence) || (deletedBy.get(sequence) ?? deleteAlls.find((all) => all > sequence) ?? 0) > moment;
  }

  recentLine(sequence: number): Uint8Array | undefined {
    return this.#recent.get(sequence);
  }

  lineOf(message: StoredMessage): Uint8Array {
    return encodeLine(message, this.known.repairs.get(message.sequence) ?? message.takenUs);
  }

  /** Applies the next message. Tells what it deletes, and its time if that is not the cluster's and not noted yet. */
  apply(message: StoredMessage): AppendResult & { erasure: Erasure | undefined; repairUs: number | undefined } {
    const { known } = this;
    const { sequence, headers, subject, takenUs } = message;
    const timeUs = known.repairs.get(sequence) ?? Math.max(takenUs, known.lastTimeUs + 1);
    const isRepair = timeUs !== takenUs && !known.repairs.has(sequence);
    if (isRepair) known.repairs.set(sequence, timeUs);
    const erasure = decodeErasure(headers);
    if (erasure === "all") {
      known.index.removeBefore(sequence);
      known.bytes = 0;
      known.deleteAlls.push(sequence);
      // A line that this server never saw was deleted and erased while it was cut off.
    } else if (erasure !== undefined && known.index.remove(erasure.sequence)) {
      known.bytes -= erasure.bytes;
      known.deletedBy.set(erasure.sequence, sequence);
    }
    known.index.append(sequence);
    known.bytes += lineBytes(message);
    known.lastTimeUs = timeUs;
    if (subject === this.#changeSubject) known.lastChange = sequence;
    this.#remember(sequence, encodeLine(message, timeUs));
    this.emit("change");
    const repairUs = isRepair ? timeUs : undefined;
    return { position: known.index.lines, time: encodeTime(timeUs), erasure, repairUs };
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
    this.end ??= end;
    this.emit("change");
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
