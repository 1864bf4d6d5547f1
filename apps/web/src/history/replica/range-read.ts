/**
 * Where lines that were read stand in a copy that goes on changing meanwhile.
 *
 * A read is a snapshot of some moment between asking and the first byte of the answer. Lines that are deleted move
 * those behind them, so it must be known which deletes the snapshot has seen. The history says so itself: the request
 * to read stands in it as a line (the _marker_), which the follow brings, with its time. What the feed tells of up to the
 * marker's time, the snapshot has seen. What is later than the marker by more than the answer took, it has not, and that is
 * applied to the lines afterwards. A delete between the two is a doubt, and the lines are read again; one whose outcome the
 * feed brings later still makes the copy drop the lines (`doubtUntil`). No clock but the server's is believed: the
 * page's only measures how long the answer took.
 */

import { decodeTime, encodeTime, quoteText } from "@wirebook/protocol";
import { clockSlackMs } from "../../limits.ts";
import type { Deletion } from "./deletion.ts";
import type { HistoryReplica } from "./history-replica.ts";
import { timeOf } from "../view/line-sketch.ts";

export class RangeRead {
  /** The last position that was asked for. */
  readonly #to: number;
  readonly #marker: string;
  readonly #sentMs: number;
  readonly #stop: () => void;
  readonly #deletions: Deletion[] = [];
  readonly #seen = Promise.withResolvers<void>();
  #markerTime = "";
  #answeredMs: number | undefined;

  /** @param message the request as the history will have it, without a key */
  constructor(copy: HistoryReplica, message: string, to: number, nowMs: number) {
    this.#to = to;
    this.#marker = ` ${quoteText(message)}`;
    this.#sentMs = nowMs;
    this.#stop = copy.listen((line, deletion) => this.#note(line, deletion));
  }

  /** Settles when the follow has brought the request's own line. */
  get marked(): Promise<void> {
    return this.#seen.promise;
  }

  /** The first byte of the answer came. */
  noteAnswer(nowMs: number): void {
    this.#answeredMs ??= nowMs;
  }

  /** The feed may tell of deletes up to this time that the snapshot has seen. Known once marked and answered. */
  get doubtUntil(): string {
    const markerUs = decodeTime(this.#markerTime);
    if (markerUs === undefined || this.#answeredMs === undefined) return "";
    return encodeTime(markerUs + Math.ceil((this.#answeredMs - this.#sentMs + clockSlackMs) * 1000));
  }

  /** True when it is not known whether the snapshot has seen a delete that matters to it. */
  get isDoubtful(): boolean {
    const until = this.doubtUntil;
    const reach = this.#to + this.#deletions.length;
    return this.#deletions.some(
      ({ time, position = 0 }) => time > this.#markerTime && time <= until && position <= reach,
    );
  }

  /** Where a line that stood at a position in the snapshot stands now; `undefined` when it was deleted since. */
  place(position: number): number | undefined {
    const until = this.doubtUntil;
    let now = position;
    for (const deletion of this.#deletions) {
      if (deletion.time <= until) continue;
      if (deletion.position === undefined || deletion.position === now) return undefined;
      if (deletion.position < now) now -= 1;
    }
    return now;
  }

  /** Ends the listening. */
  [Symbol.dispose](): void {
    this.#stop();
    this.#seen.resolve();
  }

  #note(line: string, deletion: Deletion | undefined): void {
    if (deletion !== undefined) this.#deletions.push(deletion);
    else if (line.endsWith(this.#marker)) {
      this.#markerTime = timeOf(line);
      this.#seen.resolve();
    }
  }
}
