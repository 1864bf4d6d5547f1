/**
 * Which lines are those of requests that pages make by themselves: to learn the operations, to follow, to read lines.
 *
 * The protocol marks no request as a page's own, so this is what is recognised:
 * - a read of a version, `NAME 2 FROM TO snapshot`, whoever sent it, since nothing else keeps a replica up to date. One that is typed
 *   by hand is taken for a page's own too.
 * - the bare name and `NAME 5` of this page, by the stream that left the line. This browser remembers their times, and so
 *   knows them again after a reload, and those of its other tabs.
 * The bare names and follows of pages elsewhere look like anybody's and stay in sight.
 */

import type { Stream } from "../streams/stream.svelte.ts";
import { backgroundTimesKept } from "../limits.ts";
import { Persisted } from "../ui/browser.ts";
import { findLine, queryFor } from "./found-lines.ts";
import type { HeldLines } from "./found-lines.ts";
import { timeOf } from "./view/line-text.ts";

const quote = 0x22;
const versionRead = /"\S+ 2 -?\d+ -?\d+ snapshot"$/;

export class BackgroundLines {
  /** Grows when lines that were shown are recognised later. */
  version = 0;
  readonly #kept = new Persisted("background");
  readonly #times = new Set<string>(this.#read());
  /** Requests whose line was not held yet. */
  #streams: Stream[] = [];

  /** The page makes a request of its own that is not known by its form. */
  note(stream: Stream): void {
    this.#streams.push(stream);
  }

  has(line: string): boolean {
    if (line.endsWith(' snapshot"')) return versionRead.test(line) || this.#times.has(timeOf(line));
    // To look up the time of every line costs ten times as much as to see that most have another form.
    const isNameAlone = line.charCodeAt(line.lastIndexOf(" ") + 1) === quote;
    return (isNameAlone || line.endsWith(' 5"')) && this.#times.has(timeOf(line));
  }

  /** Looks for the lines of the latest requests: those before a follow are held when its replica is shown. */
  find(lines: HeldLines): void {
    const found = this.#streams.flatMap((stream) => findLine(lines, queryFor(stream))?.line ?? []);
    this.#streams = [];
    if (found.length === 0) return;
    // Another tab may have added some meanwhile.
    for (const time of [...this.#read(), ...found.map(timeOf)]) this.#times.add(time);
    this.version += 1;
    this.#kept.write([...this.#times].slice(-backgroundTimesKept).join(" "));
  }

  #read(): string[] {
    return (this.#kept.read() ?? "").split(" ").filter((time) => time !== "");
  }
}
