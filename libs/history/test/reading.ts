/** What the tests do with snapshots and feeds. */

import { decodeEntry, timestampOf } from "@wirebook/protocol";
import type { Feed, History, Range, Snapshot } from "../src/index.ts";

/** All the text of a snapshot. */
export async function textOf(snapshot: Snapshot): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot.chunks) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The lines of a history, without their line feeds. */
export async function linesOf(history: History, range?: Range): Promise<string[]> {
  return splitLines(await textOf(await history.read(range)));
}

/** The lines of a text, each of which ends in a line feed. */
export function splitLines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

/** Pulls whole lines out of a feed; it asks the feed for no more than it needs. */
export class LineReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(feed: Feed) {
    this.#chunks = feed.chunks[Symbol.asyncIterator]();
  }

  /** The next line; `undefined` when the feed has ended. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#rest.subarray(0, end).toString();
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      const { value, done } = await this.#chunks.next();
      if (done === true) {
        if (this.#rest.length > 0) throw new Error(`the feed ended within a line: ${this.#rest.toString()}`);
        return undefined;
      }
      this.#rest = Buffer.concat([this.#rest, value]);
    }
  }

  /** Lines up to the one with that time. */
  async takeUntil(time: string): Promise<string[]> {
    const lines: string[] = [];
    while (lines.at(-1)?.startsWith(time) !== true) lines.push(...(await this.take(1)));
    return lines;
  }

  /** So many lines. */
  async take(count: number): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) {
      const line = await this.next();
      if (line === undefined) throw new Error(`the feed ended after ${lines.length} of ${count} lines`);
      lines.push(line);
    }
    return lines;
  }
}

/** Applies a line of a change feed to a copy of the lines, as docs/reference/history-format.md says [H-12]. */
export function applyLine(copy: string[], line: string): void {
  const entry = decodeEntry(line);
  if (entry.kind === "result") {
    const { result } = entry;
    if (result.verb === "deleted-all") copy.length = 0;
    if (result.verb === "archived") copy.splice(0, result.lines);
    if (result.verb === "deleted-line") {
      const [removed = ""] = copy.splice(result.line - 1, 1);
      if (timestampOf(removed) !== result.head) throw new Error(`the copy has ${removed} where ${line} was deleted`);
    }
  }
  copy.push(line);
}
