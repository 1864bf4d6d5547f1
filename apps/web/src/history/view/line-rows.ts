/**
 * The rows of what is shown, in step with its lines: all of a replica by their positions, or the matches of a scan by their
 * rank. A day is known to begin where two neighbours that are held have times of different days.
 */

import type { Zone } from "../../ui/format.ts";
import type { HistoryReplica } from "../replica/history-replica.ts";
import type { Matches } from "../search/history-scan.svelte.ts";
import { dayKeyOf, timeOf } from "./line-text.ts";
import { RowLayout } from "./row-layout.ts";

/** External lines, which have no time, that are passed over to learn the day before a line. */
const untimedMax = 20;

export interface RowOptions {
  readonly zone: Zone;
  /** True for lines that fold. */
  readonly isFolded: (line: string) => boolean;
}

export class ReplicaRows {
  readonly layout = new RowLayout();
  readonly #replica: HistoryReplica;
  readonly #options: RowOptions;
  readonly #stops: readonly (() => void)[];

  constructor(replica: HistoryReplica, options: RowOptions) {
    this.#replica = replica;
    this.#options = options;
    for (const { first, lines } of replica.runs) this.#put(first, lines);
    this.#stops = [
      replica.listenToPuts((first, lines) => this.#put(first, lines)),
      replica.listen((line, deletion) => {
        const left = deletion === undefined ? replica.last : deletion.position === undefined ? 0 : replica.last - 1;
        if (left === 0) this.layout.clear();
        else if (deletion?.position !== undefined) this.layout.delete(deletion.position, left);
        const before = deletion?.position === replica.last ? left : replica.last;
        this.#add(left + 1, line, left === 0 ? "" : this.#dayUpTo(before));
      }),
    ];
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
  }

  #put(first: number, lines: readonly string[]): void {
    let day = this.#dayUpTo(first - 1);
    for (const [index, line] of lines.entries()) day = this.#add(first + index, line, day);
    const next = this.#replica.at(first + lines.length);
    if (next !== undefined) this.#add(first + lines.length, next, day);
  }

  /** @returns the day of the line, or that before it when it has none */
  #add(position: number, line: string, before: string): string {
    const day = dayKeyOf(timeOf(line), this.#options.zone);
    if (day !== "" && before !== "" && day !== before) this.layout.addDay(position);
    if (this.#options.isFolded(line)) this.layout.fold(position);
    return day === "" ? before : day;
  }

  #dayUpTo(position: number): string {
    for (let at = position; at > position - untimedMax; at--) {
      const line = this.#replica.at(at);
      const day = line === undefined ? "" : dayKeyOf(timeOf(line), this.#options.zone);
      if (line === undefined || day !== "") return day;
    }
    return "";
  }
}

/** Matches are added at the end by the thousand; what else changes them goes through all of them, too. */
export class MatchRows {
  readonly matches: Matches;
  readonly zone: Zone;
  #layout = new RowLayout();
  #changes = -1;
  #count = 0;
  #day = "";

  constructor(matches: Matches, zone: Zone) {
    this.matches = matches;
    this.zone = zone;
  }

  get layout(): RowLayout {
    if (this.#changes !== this.matches.changes) {
      this.#layout = new RowLayout();
      this.#changes = this.matches.changes;
      this.#count = 0;
      this.#day = "";
    }
    for (; this.#count < this.matches.count; this.#count++) {
      const day = dayKeyOf(timeOf(this.matches.at(this.#count)?.line ?? ""), this.zone);
      if (day === "") continue;
      if (this.#day !== "" && day !== this.#day) this.#layout.addDay(this.#count);
      this.#day = day;
    }
    return this.#layout;
  }
}
