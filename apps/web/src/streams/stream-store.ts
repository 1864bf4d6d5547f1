/**
 * Streams in the browser's IndexedDB, each as the line of a session's file, without a key. Two tabs never overwrite what the
 * other wrote: the keys tell the order and the total, and whoever writes removes the oldest beyond the bounds.
 */

import { decodeRecord, encodeRecord } from "@wirebook/capture";
import { encodeText } from "@wirebook/protocol";
import { clear, createStore, delMany, entries, keys, set } from "idb-keyval";
import { recordOf, streamOf } from "../export/recorded-stream.ts";
import { keptBytesMax, keptStreamBytesMax, keptStreamsMax } from "../limits.ts";
import type { Stream } from "./stream.svelte.ts";

type Key = [startedMs: number, name: string, bytes: number];

/** Where entries lie, in ascending order of their keys. */
export type Place = ReturnType<typeof inIndexedDb>;

export class StreamStore {
  readonly #place: Place;
  readonly #keys = new WeakMap<Stream, Key>();

  constructor(place = inIndexedDb()) {
    this.#place = place;
  }

  /** What makes each stream that is kept, under an id; and how many entries could not be read. */
  async load(): Promise<{ streams: readonly ((id: number) => Stream)[]; problems: number }> {
    const broken: Key[] = [];
    const streams = (await this.#place.entries()).flatMap(([key, value]) => {
      const record = decodeRecord(encodeText(typeof value === "string" ? value.trimEnd() : ""));
      if (typeof record !== "string") return [(id: number) => this.#remember(streamOf(record, id), key)];
      broken.push(key);
      return [];
    });
    if (broken.length > 0) await this.#place.remove(broken);
    return { streams, problems: broken.length };
  }

  /** Keeps a stream as it is now, in place of what was kept of it before. @throws RangeError when it is too big */
  async save(stream: Stream): Promise<void> {
    const entry = entryOf(stream);
    const before = this.#keys.get(stream);
    const key: Key = [stream.sentAt.getTime(), before?.[1] ?? Math.random().toString(36).slice(2), entry.length];
    this.#remember(stream, key);
    await this.#place.set(key, entry);
    if (before !== undefined && before[2] !== key[2]) await this.#place.remove([before]);
    let bytes = 0;
    const surplus = (await this.#place.keys()).toReversed().filter(([, , size], index) => {
      bytes += size;
      return index >= keptStreamsMax || bytes > keptBytesMax;
    });
    if (surplus.length > 0) await this.#place.remove(surplus);
  }

  clear(): Promise<void> {
    return this.#place.clear();
  }

  #remember(stream: Stream, key: Key): Stream {
    stream.isKept = true;
    this.#keys.set(stream, key);
    return stream;
  }
}

/** The line of a stream. One that is too big goes without the bytes of its reply, whose number is kept. */
function entryOf(stream: Stream): string {
  const record = recordOf(stream);
  const events = record.events.map(({ bytes, ...event }) =>
    event.from === "target" || bytes === undefined ? event : { ...event, bytes },
  );
  const entry = [record, { ...record, events }].map(encodeRecord).find(({ length }) => length <= keptStreamBytesMax);
  if (entry === undefined) throw new RangeError(`the stream is over the limit of ${keptStreamBytesMax} bytes`);
  return entry;
}

function inIndexedDb() {
  const store = createStore("wirebook", "streams");
  return {
    keys: () => keys<Key>(store),
    entries: () => entries<Key, unknown>(store),
    set: (key: Key, value: string) => set(key, value, store),
    remove: (all: Key[]) => delMany(all, store),
    clear: () => clear(store),
  };
}
