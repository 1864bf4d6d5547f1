/**
 * Finds a text in the bytes that are kept of all streams, folded or not. What has been looked through is not looked through
 * again: only what came since.
 *
 * Bytes are compared as characters of one byte each, so a match knows its offset; case is ignored in ASCII alone.
 */

import { encodeText } from "@wirebook/protocol";
import type { StreamEvent } from "@wirebook/protocol";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { findMatchesMax } from "../limits.ts";
import { count } from "../ui/format.ts";

export interface Match {
  readonly stream: Stream;
  readonly isFromTarget: boolean;
  readonly offset: number;
  /** The one with its last byte. */
  readonly event: StreamEvent;
}

export class Find {
  isOpen = $state(false);
  text = $state("");
  matches = $state.raw<readonly Match[]>([]);
  /** The match that is shown. */
  current = $state.raw<Match>();
  readonly #streams: Pick<Streams, "list">;
  #scans = new Map<Stream, StreamScan>();
  #text = "";

  constructor(streams: Pick<Streams, "list">) {
    this.#streams = streams;
  }

  get isFull(): boolean {
    return this.matches.length >= findMatchesMax;
  }

  /** `2 of 7`; `7` while none is shown. */
  get status(): string {
    if (this.text === "") return "";
    if (this.matches.length === 0) return "No matches";
    const at = this.current === undefined ? 0 : this.matches.indexOf(this.current) + 1;
    return `${at === 0 ? "" : `${count(at)} of `}${count(this.matches.length)}${this.isFull ? " or more" : ""}`;
  }

  close(): void {
    this.isOpen = false;
    this.text = "";
    this.refresh();
  }

  /** Looks through what is new, or through everything when the text is another. */
  refresh(): void {
    const needle = encodeText(this.text);
    if (this.text !== this.#text) {
      this.#scans.clear();
      this.#text = this.text;
      this.current = undefined;
      this.matches = [];
    }
    if (needle.length === 0) return;
    const before = this.#scans;
    this.#scans = new Map(
      this.#streams.list.map((stream) => [stream, before.get(stream) ?? new StreamScan(stream, needle)]),
    );
    let isChanged = before.size !== this.#scans.size || this.#streams.list.some((stream) => !before.has(stream));
    let left = findMatchesMax;
    for (const scan of this.#scans.values()) {
      isChanged = scan.go(left) || isChanged;
      left -= scan.matches.length;
    }
    if (isChanged) this.matches = [...this.#scans.values()].flatMap(({ matches }) => matches);
  }

  /** Goes to the match so many further on, and past the last to the first; to the newest when there was none. */
  move(step: 1 | -1): void {
    const at = this.current === undefined ? -1 : this.matches.indexOf(this.current);
    const next = at < 0 ? this.matches.length - 1 : (at + step + this.matches.length) % this.matches.length;
    this.current = this.matches[next];
  }
}

/** The matches in one stream, in the order of its events. */
class StreamScan {
  readonly matches: Match[] = [];
  readonly #stream: Stream;
  readonly #needle: string;
  #next = 0;
  /** Of each direction the last characters, in which a match may have begun. */
  readonly #ends = { received: { text: "", offset: 0 }, sent: { text: "", offset: 0 } };

  constructor(stream: Stream, needle: Uint8Array) {
    this.#stream = stream;
    this.#needle = textOf(needle);
  }

  /** True when there are more matches than before. */
  go(matchesMax: number): boolean {
    const before = this.matches.length;
    for (const event of this.#stream.record.eventsFrom(this.#next)) {
      const { index, kind, isFromTarget, offset, bytes } = event;
      this.#next = index + 1;
      if (kind !== "data" || bytes === undefined) continue;
      const end = this.#ends[isFromTarget ? "received" : "sent"];
      const overlap = end.offset + end.text.length === offset ? end.text : "";
      const text = overlap + textOf(bytes);
      const start = offset - overlap.length;
      for (let at = text.indexOf(this.#needle); at >= 0; at = text.indexOf(this.#needle, at + 1)) {
        if (this.matches.length >= matchesMax) break;
        this.matches.push({ stream: this.#stream, isFromTarget, offset: start + at, event });
      }
      end.text = this.#needle.length === 1 ? "" : text.slice(1 - this.#needle.length);
      end.offset = start + text.length - end.text.length;
    }
    return this.matches.length > before;
  }
}

const oneByte = new TextDecoder("latin1");

function textOf(bytes: Uint8Array): string {
  return oneByte.decode(bytes).replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
