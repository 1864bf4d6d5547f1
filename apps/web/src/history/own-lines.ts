/**
 * Which lines of the history this page left there [W-8]: those of its exchanges, and those of the requests that pages make
 * by themselves, to learn the operations, to follow, to read lines.
 *
 * The protocol marks no request as a page's own, so these are the ones that are recognised:
 * - a read of a version, `NAME 2 FROM TO snapshot`, whoever sent it, since nothing else keeps a page up to date. One that is typed
 *   by hand is taken for a page's own too.
 * - the bare name and `NAME 5` of this page, by the stream that left the line. This browser remembers their times, and so
 *   knows them again after a reload, and those of its other tabs.
 * The bare names and follows of pages elsewhere look like anybody's and stay in sight.
 */

import { decodeText, decodeTime, encodeText, quoteText, redactMessage } from "@wirebook/protocol";
import { backgroundTimesKept } from "../limits.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { Persisted } from "../ui/browser.ts";
import type { LineCache } from "./replica/line-cache.svelte.ts";
import { timeOf } from "./view/line-text.ts";

export interface FoundLine {
  readonly line: string;
  readonly position: number;
}

/** Lines that are searched, from the newest back. */
const searchedMax = 5000;

const quote = 0x22;
const versionRead = /"\S+ 2 -?\d+ -?\d+ snapshot"$/;

export class OwnLines {
  readonly #streams: Streams;
  readonly #cache: LineCache;
  /** Those that were found: a line's timestamp is its identity. */
  readonly #found = new WeakMap<Stream, string>();
  readonly #kept = new Persisted("background");
  readonly #backgroundTimes = new Set<string>(this.#readTimes());
  /** Background requests whose line was not looked for yet. */
  #background: Stream[] = [];

  constructor(streams: Streams, cache: LineCache) {
    this.#streams = streams;
    this.#cache = cache;
  }

  /** The line of an exchange: of those with its message that came after it was sent, the nearest in time. */
  lineOf(stream: Stream | undefined): FoundLine | undefined {
    if (!stream?.isWithServer || stream.flow !== undefined) return undefined;
    const known = this.#found.get(stream);
    // What was known when it was sent is older than its line, by any clock [H-2].
    const until = known === undefined ? (stream.intent.after ?? "") : timeOf(known);
    const tail = tailOf(stream);
    const { last } = this.#cache;
    let best: FoundLine | undefined;
    let bestDistance = Infinity;
    for (let position = last; position > last - searchedMax; position--) {
      const line = this.#cache.at(position);
      if (line === undefined) break;
      if (line === known) return { line, position };
      const time = timeOf(line);
      if (time !== "" && time <= until) break;
      if (known !== undefined || !line.endsWith(tail)) continue;
      const distance = Math.abs((decodeTime(time) ?? Infinity) / 1000 - stream.sentAt.getTime());
      if (distance < bestDistance) [best, bestDistance] = [{ line, position }, distance];
    }
    // Before the reply a nearer line may still come.
    if (best !== undefined && (stream.state !== "running" || stream.receivedBytes > 0))
      this.#found.set(stream, best.line);
    return best;
  }

  /** The exchange of this page that left a line; `undefined` for those of other clients. */
  streamOf(line: string): Stream | undefined {
    return this.#streams.list.findLast((stream) => line.endsWith(tailOf(stream)) && this.lineOf(stream)?.line === line);
  }

  /** The page makes a request of its own that is not known by its form. */
  noteBackground(stream: Stream): void {
    this.#background.push(stream);
  }

  /** Looks for the lines of those requests: the ones before a follow are held once the newest lines are read. */
  findBackground(): void {
    const found = this.#background.flatMap((stream) => this.lineOf(stream)?.line ?? []);
    this.#background = [];
    if (found.length === 0) return;
    // Another tab may have added some meanwhile.
    for (const time of [...this.#readTimes(), ...found.map(timeOf)]) this.#backgroundTimes.add(time);
    this.#kept.write([...this.#backgroundTimes].slice(-backgroundTimesKept).join(" "));
    this.#cache.changes += 1;
  }

  isBackground(line: string): boolean {
    if (line.endsWith(' snapshot"')) return versionRead.test(line) || this.#backgroundTimes.has(timeOf(line));
    // To look up the time of every line costs ten times as much as to see that most have another form.
    const isNameAlone = line.charCodeAt(line.lastIndexOf(" ") + 1) === quote;
    return (isNameAlone || line.endsWith(' 5"')) && this.#backgroundTimes.has(timeOf(line));
  }

  #readTimes(): string[] {
    return (this.#kept.read() ?? "").split(" ").filter((time) => time !== "");
  }
}

/** How the line of an exchange ends: the message as far as the server got it, without a key and a line ending [H-3], [H-5]. */
function tailOf({ intent, record, state, failure }: Stream): string {
  const isKnown = state !== "running" && failure?.code !== "gateway-lost";
  const sent = decodeText(encodeText(intent.message).subarray(0, isKnown ? record.sentBytes : undefined));
  const message = (sent.split("\n", 1)[0] ?? "").replace(/\r$/, "");
  return ` ${quoteText(redactMessage(message))}`;
}
