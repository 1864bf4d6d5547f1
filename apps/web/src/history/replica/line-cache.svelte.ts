/**
 * The lines of the history that the page holds, by their number from 1, kept exact by the history's own feed [H-12], in blocks.
 * Beyond a limit, the block that has been out of view for longest is dropped.
 */

import { decodeEntry, timestampOf } from "@wirebook/protocol";
import { historyLinesKept, historyPageLines as blockLines } from "../../limits.ts";
import { RedrawThrottle } from "../../ui/redraw-throttle.svelte.ts";
import { isResult, timeOf } from "../view/line-text.ts";

/** What a line of the feed deleted. */
export type Deleted = number | "all" | undefined;

/** When the cache begins again there is no line. */
type FeedListener = (line: string, deleted: Deleted) => void;

export class LineCache {
  readonly redraw = new RedrawThrottle();
  /** Grows with every change but that of a line at the end. */
  changes = 0;
  /** The newest time that the feed brought: the version of the history that is reached. */
  newestTime = "";
  /** The time of the newest delete: in a version before it, lines may have other numbers. */
  deletedAt = "";
  starts = 0;
  #last = 0;
  /** Those that were looked at longest ago come first. */
  readonly #blocks = new Map<number, (string | undefined)[]>();
  readonly #listeners = new Set<FeedListener>();

  get last(): number {
    this.redraw.listen();
    return this.#last;
  }

  at(position: number): string | undefined {
    this.redraw.listen();
    return this.#blocks.get(blockOf(position))?.[indexOf(position)];
  }

  /** The time of a line, or of one shortly before it where it has none, as far as they are held; `""` for none. */
  timeAt(position: number): string {
    for (let at = position, line; (line = this.at(at)) !== undefined && at > position - blockLines; at--)
      if (timeOf(line) !== "") return timeOf(line);
    return "";
  }

  *heldFrom(from: number): Generator<[position: number, line: string]> {
    for (const number of this.#numbersFrom(blockOf(from))) {
      const before = number * blockLines + 1;
      for (const [index, line] of (this.#blocks.get(number) ?? []).entries())
        if (line !== undefined && before + index >= from) yield [before + index, line];
    }
  }

  missing(from: number, to: number): number | undefined {
    for (let position = Math.max(1, from); position <= Math.min(to, this.#last); position++)
      if (this.at(position) === undefined) return position;
    return undefined;
  }

  /** Notes that lines are in view: they are dropped last. */
  touch(from: number, to: number): void {
    for (let number = blockOf(from); number <= blockOf(to); number++) if (this.#blocks.has(number)) this.#block(number);
  }

  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reset(last = 0): void {
    this.starts += 1;
    this.newestTime = "";
    this.#clear(last);
  }

  /**
   * Takes the next line of the feed, which belongs to the end; a result line [H-7] says what else changed. False when the
   * cache is out of step: after an archiving, too, which is rare, and simpler to read anew than to follow.
   */
  apply(line: string): boolean {
    const time = timeOf(line);
    const entry = isResult(line) ? decodeEntry(line) : undefined;
    const result = entry?.kind === "result" ? entry.result : undefined;
    if (time > this.newestTime) this.newestTime = time;
    if (result?.verb === "archived") return false;
    if (result?.verb === "deleted-line" && !this.#delete(result.line, result.head)) return false;
    if (result?.verb === "deleted-all") this.#clear(0);
    if (result !== undefined) this.deletedAt = time;
    this.#last += 1;
    this.#block(blockOf(this.#last))[indexOf(this.#last)] = line;
    this.#tell(line, result?.verb === "deleted-line" ? result.line : undefined);
    return true;
  }

  put(first: number, lines: readonly string[]): void {
    for (const [index, line] of lines.slice(0, Math.max(0, this.#last + 1 - first)).entries()) {
      const [number, at] = [blockOf(first + index), indexOf(first + index)];
      if (this.#blocks.get(number)?.[at] === undefined) this.#block(number)[at] = line;
    }
    this.changes += 1;
    this.redraw.mark();
  }

  /** Removes a line, held or not. False when it cannot be the one that has this timestamp. */
  #delete(position: number, head: string): boolean {
    const known = this.at(position);
    if (position < 1 || position > this.#last || (known !== undefined && timestampOf(known) !== head)) return false;
    const own = blockOf(position);
    for (const number of this.#numbersFrom(own)) {
      const [first] = this.#blocks.get(number)?.splice(number === own ? indexOf(position) : 0, 1) ?? [];
      // The first line of a block becomes the last one of the block before it.
      const before = number === own ? undefined : this.#blocks.get(number - 1);
      if (before !== undefined) before[blockLines - 1] = first;
    }
    this.#last -= 1;
    this.changes += 1;
    return true;
  }

  #clear(last: number): void {
    this.#blocks.clear();
    this.#last = last;
    this.changes += 1;
    this.#tell("", "all");
  }

  #tell(line: string, deleted: Deleted): void {
    for (const listener of this.#listeners) listener(line, deleted);
    this.redraw.mark();
  }

  #block(number: number): (string | undefined)[] {
    const lines = this.#blocks.get(number) ?? [];
    this.#blocks.delete(number);
    this.#blocks.set(number, lines);
    const [oldest] = this.#blocks.keys();
    if (oldest !== undefined && this.#blocks.size * blockLines > historyLinesKept) this.#blocks.delete(oldest);
    return lines;
  }

  #numbersFrom(number: number): number[] {
    return [...this.#blocks.keys()].filter((each) => each >= number).toSorted((a, b) => a - b);
  }
}

function blockOf(position: number): number {
  return Math.floor((position - 1) / blockLines);
}

function indexOf(position: number): number {
  return (position - 1) % blockLines;
}
