/** Finds a text in all bytes that are kept, as characters of one byte each, so a match knows its offset. ASCII alone has no case. */

import { encodeText, type StreamEvent } from "@wirebook/protocol";
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
  current = $state.raw<Match>();
  readonly #streams: Pick<Streams, "list">;
  #text = "";

  constructor(streams: Pick<Streams, "list">) {
    this.#streams = streams;
  }

  /** `2 of 7`; `7` while none is shown. */
  get status(): string {
    const { length } = this.matches;
    if (this.text === "" || length === 0) return this.text && "No matches";
    const at = this.#at + 1;
    return `${at === 0 ? "" : `${count(at)} of `}${count(length)}${length < findMatchesMax ? "" : " or more"}`;
  }

  close(): void {
    this.isOpen = false;
    this.text = "";
    this.refresh();
  }

  refresh(): void {
    const needle = encodeText(this.text);
    if (this.text !== this.#text) this.current = undefined;
    this.#text = this.text;
    const matches: Match[] = [];
    if (needle.length > 0) for (const stream of this.#streams.list) scan(stream, textOf(needle), matches);
    this.matches = matches;
  }

  /** Past the last match comes the first; without one, the newest. */
  move(step: 1 | -1): void {
    this.refresh();
    const at = this.#at;
    const next = at < 0 ? this.matches.length - 1 : (at + step + this.matches.length) % this.matches.length;
    this.current = this.matches[next];
  }

  get #at(): number {
    const { current } = this;
    const isCurrent = ({ stream, isFromTarget, offset }: Match) =>
      stream === current?.stream && isFromTarget === current.isFromTarget && offset === current.offset;
    return this.matches.findIndex(isCurrent);
  }
}

function scan(stream: Stream, needle: string, matches: Match[]): void {
  /** Of each direction the last characters, in which a match may have begun. */
  const ends = { received: { text: "", offset: 0 }, sent: { text: "", offset: 0 } };
  for (const event of stream.record.events) {
    const { kind, isFromTarget, offset, bytes } = event;
    if (kind !== "data" || bytes === undefined) continue;
    const end = ends[isFromTarget ? "received" : "sent"];
    const overlap = end.offset + end.text.length === offset ? end.text : "";
    const text = overlap + textOf(bytes);
    const start = offset - overlap.length;
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
      if (matches.length >= findMatchesMax) return;
      matches.push({ stream, isFromTarget, offset: start + at, event });
    }
    end.text = needle.length === 1 ? "" : text.slice(1 - needle.length);
    end.offset = start + text.length - end.text.length;
  }
}

const oneByte = new TextDecoder("latin1");

function textOf(bytes: Uint8Array): string {
  return oneByte.decode(bytes).replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
