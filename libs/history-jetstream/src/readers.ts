/** Readers: a place in the stream, and one chunk at a time. Nothing is queued for a reader that is slow. */

import { once } from "node:events";
import { HistoryError, readChunkBytesDefault } from "@wirebook/history";
import type { Feed, Positions, Snapshot } from "@wirebook/history";
import { encodeTime } from "@wirebook/protocol";
import type { Cluster } from "./cluster.ts";
import type { Reader, ReadLeases } from "./erasure.ts";
import type { Projection } from "./projection.ts";
import { scan } from "./scan.ts";

/** What readers read from. */
export interface Source {
  readonly cluster: Cluster;
  readonly view: Projection;
  readonly leases: ReadLeases;
}

/** A place in the stream. It retains the connection, and what is not erased yet, until it is released. */
abstract class StreamReader implements Reader {
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  moment: number;
  protected readonly source: Source;
  protected isReleased = false;

  protected constructor(source: Source, from: number, to: number) {
    this.source = source;
    this.from = from;
    const { cluster, leases, view } = source;
    this.moment = view.last;
    cluster.retain();
    leases.add(this);
    this.chunks = this.#read(view.sequenceOf(from), view.sequenceOf(to), to - from + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isReleased) return;
    this.isReleased = true;
    this.source.leases.remove(this);
    await this.source.cluster.release();
  }

  /** What follows the lines as they stood. */
  protected abstract readOn(): AsyncGenerator<Uint8Array>;

  async *#read(from: number, to: number, count: number): AsyncGenerator<Uint8Array> {
    try {
      if (count > 0 && !this.isReleased) yield* this.#linesAt(from, to, count);
      if (!this.isReleased) yield* this.readOn();
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** The lines as they stood; it counts them, so that none is missing. */
  async *#linesAt(from: number, to: number, count: number): AsyncGenerator<Uint8Array> {
    const { moment } = this;
    const { cluster, view } = this.source;
    let missing = count;
    for await (const batch of scan(cluster, { from, to })) {
      if (this.isReleased) return;
      const lines = batch.filter(({ sequence }) => view.stoodAt(sequence, moment));
      missing -= lines.length;
      yield* chunksOf(lines.map((message) => view.lineOf(message)));
      if (this.isReleased) return;
    }
    if (missing > 0) throw erasedEarly(missing);
  }
}

/** Lines as they stood when it was opened. */
export class StreamSnapshot extends StreamReader implements Snapshot {
  readonly to: number;
  readonly lines: number;
  readonly time: string;

  constructor(source: Source, { from, to }: Positions) {
    super(source, from, to);
    this.to = to;
    this.lines = source.view.lines;
    this.time = encodeTime(source.view.known.lastTimeUs);
  }

  protected override async *readOn(): AsyncGenerator<Uint8Array> {}
}

/** Lines as they stood when it was opened, and then every line as it comes. */
export class StreamFeed extends StreamReader implements Feed {
  readonly #disposing = new AbortController();

  constructor(source: Source, from: number) {
    super(source, from, source.view.lines);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#disposing.abort();
  }

  protected override async *readOn(): AsyncGenerator<Uint8Array> {
    const { view } = this.source;
    while (!this.isReleased) {
      if (this.moment < view.last) yield* this.#catchUp();
      else if (view.end === undefined) await once(view, "change", this.#disposing).catch(() => {});
      else if (view.end === "closed") return;
      else throw view.end;
    }
  }

  /** The lines behind the moment up to what was seen: every message is one, whatever was deleted since. */
  async *#catchUp(): AsyncGenerator<Uint8Array> {
    const { cluster, view } = this.source;
    const to = view.last;
    const recent = this.#recentLines(to);
    if (recent !== undefined) {
      this.moment = to;
      return yield* chunksOf(recent);
    }
    for await (const batch of scan(cluster, { from: this.moment + 1, to })) {
      for (const { sequence } of batch) {
        if (sequence !== this.moment + 1) throw erasedEarly(sequence - this.moment - 1);
        this.moment = sequence;
      }
      yield* chunksOf(batch.map((message) => view.lineOf(message)));
      if (this.isReleased) return;
    }
    if (this.moment < to) throw erasedEarly(to - this.moment);
  }

  #recentLines(to: number): Uint8Array[] | undefined {
    const lines: Uint8Array[] = [];
    for (let sequence = this.moment + 1; sequence <= to; sequence++) {
      const line = this.source.view.recentLine(sequence);
      if (line === undefined) return undefined;
      lines.push(line);
    }
    return lines;
  }
}

function* chunksOf(lines: readonly Uint8Array[]): Generator<Uint8Array> {
  let start = 0;
  let bytes = 0;
  for (const [at, { length }] of lines.entries()) {
    if (bytes + length > readChunkBytesDefault && at > start) {
      yield Buffer.concat(lines.slice(start, at));
      [start, bytes] = [at, 0];
    }
    bytes += length;
  }
  if (start < lines.length) yield Buffer.concat(lines.slice(start));
}

function erasedEarly(count: number): HistoryError {
  const sentence = `${count} lines were erased before they were read: this server was cut off from its cluster for too long`;
  return new HistoryError("storage-failed", sentence);
}
