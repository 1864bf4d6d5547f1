/**
 * Streams in the browser's IndexedDB, each as the line of a session's file, without a key.
 *
 * Each has an entry of its own, so two tabs never overwrite what the other wrote. Its key is `[started, name, bytes]`: keys
 * alone tell the order and the total, and whoever writes removes the oldest beyond the bounds. An entry that cannot be read,
 * because it is damaged or of a later version, is removed.
 */

import { decodeRecord, encodeRecord } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { encodeText } from "@wirebook/protocol";
import { clear, createStore, delMany, getMany, keys, set } from "idb-keyval";
import { recordOf, streamOf } from "../export/recorded-stream.ts";
import { keptBytesMax, keptStreamBytesMax, keptStreamsMax } from "../limits.ts";
import type { Stream } from "./stream.svelte.ts";

type Key = [startedMs: number, name: string, bytes: number];

/** Where entries lie. */
export interface Place {
  /** In ascending order. */
  keys(): Promise<Key[]>;
  get(keys: Key[]): Promise<unknown[]>;
  set(key: Key, value: string): Promise<void>;
  remove(keys: Key[]): Promise<void>;
  clear(): Promise<void>;
}

export class StreamStore {
  readonly #place: Place;
  readonly #keys = new WeakMap<Stream, Key>();

  constructor(place: Place = inIndexedDb()) {
    this.#place = place;
  }

  /** What makes each stream that is kept, under an id; and how many entries could not be read. */
  async load(): Promise<{ streams: readonly ((id: number) => Stream)[]; problems: number }> {
    const all = await this.#place.keys();
    const values = await this.#place.get(all);
    const broken: Key[] = [];
    const streams = all.flatMap((key, index) => {
      const record = readEntry(values[index]);
      if (record === undefined) broken.push(key);
      return record === undefined ? [] : [(id: number) => this.#restore(record, id, key)];
    });
    if (broken.length > 0) await this.#place.remove(broken);
    return { streams, problems: broken.length };
  }

  /** Keeps a stream as it is now, in place of what was kept of it before; false when it is too big. */
  async save(stream: Stream): Promise<boolean> {
    const entry = entryOf(stream);
    if (entry === undefined) return false;
    const before = this.#keys.get(stream);
    const name = before?.[1] ?? Math.random().toString(36).slice(2);
    const key: Key = [stream.sentAt.getTime(), name, entry.length];
    this.#keys.set(stream, key);
    await this.#place.set(key, entry);
    if (before !== undefined && before[2] !== key[2]) await this.#place.remove([before]);
    await this.#removeOldest();
    return true;
  }

  async clear(): Promise<void> {
    await this.#place.clear();
  }

  #restore(record: RecordedStream, id: number, key: Key): Stream {
    const stream = streamOf(record, id);
    stream.isKept = true;
    this.#keys.set(stream, key);
    return stream;
  }

  async #removeOldest(): Promise<void> {
    const all = await this.#place.keys();
    let bytes = 0;
    const isBeyond = all.toReversed().map((key, index) => {
      bytes += key[2];
      return index >= keptStreamsMax || bytes > keptBytesMax;
    });
    const surplus = all.filter((_, index) => isBeyond[all.length - 1 - index]);
    if (surplus.length > 0) await this.#place.remove(surplus);
  }
}

/** The line of a stream. One that is too big goes without the bytes of its reply, whose number is kept. */
function entryOf(stream: Stream): string | undefined {
  const record = recordOf(stream);
  const whole = encodeRecord(record);
  if (whole.length <= keptStreamBytesMax) return whole;
  const events = record.events.map(({ bytes, ...event }) =>
    event.from === "target" || bytes === undefined ? event : { ...event, bytes },
  );
  const short = encodeRecord({ ...record, events });
  return short.length <= keptStreamBytesMax ? short : undefined;
}

function readEntry(value: unknown): RecordedStream | undefined {
  const record = typeof value === "string" ? decodeRecord(encodeText(value.trimEnd())) : undefined;
  return typeof record === "string" ? undefined : record;
}

function inIndexedDb(): Place {
  const store = createStore("wirebook", "streams");
  return {
    keys: () => keys<Key>(store),
    get: (all) => getMany(all, store),
    set: (key, value) => set(key, value, store),
    remove: (all) => delMany(all, store),
    clear: () => clear(store),
  };
}
