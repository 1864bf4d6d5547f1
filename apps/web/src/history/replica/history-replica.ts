/**
 * A copy of some of the history's lines, kept exact by its own change feed [H-12].
 *
 * `apply` takes the next line of a follow. It belongs to the end, and a result line [H-7] says what else changed:
 * positions behind a deleted line move up, and a bookmark stays with its line. A result names the timestamp of the
 * line that it deleted. A replica in which that position has another timestamp is out of step, says so, and must be made anew.
 */

import { decodeEntry } from "@wirebook/protocol";
import type { Entry } from "@wirebook/protocol";
import { historyLinesKept, historyPageLines } from "../../limits.ts";
import { isResult, timeOf } from "../view/line-text.ts";
import { LineCache } from "./line-cache.ts";

/** What a line of the feed did besides being added: a line was deleted, or all were. */
export interface Deletion {
  /** The time of the line that tells of it. */
  readonly time: string;
  readonly user: string;
  /** `undefined` for all lines. */
  readonly position: number | undefined;
  /** The timestamp of the deleted line; `""` for all lines. */
  readonly head: string;
}

/** What a result line says was deleted; `undefined` for any other line. */
export function deletionOf(line: string): Deletion | undefined {
  const entry = resultIn(line);
  if (entry === undefined) return undefined;
  const { time, user, result } = entry;
  if (result.verb === "deleted-all") return { time, user, position: undefined, head: "" };
  return result.verb === "deleted-line" ? { time, user, position: result.line, head: result.head } : undefined;
}

function resultIn(line: string): Extract<Entry, { readonly kind: "result" }> | undefined {
  const entry = isResult(line) ? decodeEntry(line) : undefined;
  return entry?.kind === "result" ? entry : undefined;
}

/** A position that moves along with its line. */
export interface Bookmark {
  position: number;
  /** Its line was deleted; the position is that of the line behind it. */
  isGone: boolean;
}

/** Receives every line of the feed, before the deleted line goes, and what the line deleted. */
export type FeedListener = (line: string, deletion: Deletion | undefined) => void;

/** Receives lines that were read later, once they are held. */
export type PutListener = (first: number, lines: readonly string[]) => void;

export class HistoryReplica extends LineCache {
  /** The version that it has reached: the newest time that the feed brought. */
  newestTime = "";
  readonly #bookmarks = new Set<Bookmark>();
  readonly #listeners = new Set<FeedListener>();
  readonly #putListeners = new Set<PutListener>();

  constructor(last = 0, linesMax: number = historyLinesKept, pageLines: number = historyPageLines) {
    super(last, linesMax, pageLines);
  }

  /** Keeps track of a position from now on. */
  mark(position: number): Bookmark {
    const bookmark = { position, isGone: false };
    this.#bookmarks.add(bookmark);
    return bookmark;
  }

  /** Takes over a bookmark of another replica, as it stands. */
  keepMark(bookmark: Bookmark): void {
    this.#bookmarks.add(bookmark);
  }

  unmark(bookmark: Bookmark): void {
    this.#bookmarks.delete(bookmark);
  }

  get bookmarks(): Iterable<Bookmark> {
    return this.#bookmarks;
  }

  /** Listens to the feed until the returned function is called. */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Listens to lines that are put where none were held, until the returned function is called. */
  listenToPuts(listener: PutListener): () => void {
    this.#putListeners.add(listener);
    return () => this.#putListeners.delete(listener);
  }

  override put(first: number, lines: readonly string[]): void {
    super.put(first, lines);
    for (const listener of this.#putListeners) listener(first, lines);
  }

  /**
   * Takes the next line of the feed. False when the replica is out of step. So it is after an archiving, which may take
   * most of the lines and is rare: reading the rest anew is simpler than moving all positions.
   */
  apply(line: string): boolean {
    if (resultIn(line)?.result.verb === "archived") return false;
    const deletion = deletionOf(line);
    for (const listener of this.#listeners) listener(line, deletion);
    const time = timeOf(line);
    if (time > this.newestTime) this.newestTime = time;
    if (deletion !== undefined) {
      if (deletion.position === undefined) this.clear();
      else if (!this.delete(deletion.position, deletion.head)) return false;
    }
    this.append(line);
    return true;
  }

  override delete(position: number, head: string): boolean {
    if (!super.delete(position, head)) return false;
    for (const bookmark of this.#bookmarks) {
      if (bookmark.position === position) bookmark.isGone = true;
      else if (bookmark.position > position) bookmark.position -= 1;
    }
    return true;
  }

  override clear(): void {
    super.clear();
    for (const bookmark of this.#bookmarks) Object.assign(bookmark, { position: 1, isGone: true });
  }
}
