/** Readers: a place in the stream, and one chunk at a time. Nothing is queued for a reader that is slow. */

import { HistoryError } from "@wirebook/history";
import type { Feed, Snapshot } from "@wirebook/history";
import { readChunkBytesDefault } from "@wirebook/history";
import type { Positions } from "@wirebook/history";
import type { Cluster } from "./cluster.ts";
import type { Reader, ReadLeases } from "./read-leases.ts";
import { scan } from "./scan.ts";
import type { Projection } from "./projection.ts";

/** What readers read from. */
export interface Source {
  readonly cluster: Cluster;
  readonly view: Projection;
  readonly readers: ReadLeases;
}

/** A hold on the connection, and on what is not erased yet, until it is released. */
class Hold implements Reader {
  moment: number;
  #isReleased = false;
  readonly #source: Source;

  constructor(source: Source, moment: number) {
    this.moment = moment;
    this.#source = source;
    source.cluster.retain();
    source.readers.add(this);
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#source.readers.remove(this);
    await this.#source.cluster.release();
  }
}

/** The lines from one sequence to another as they stood at a moment, in chunks; it counts them, so that none is missing. */
async function* linesAt(
  { cluster, view }: Source,
  { from, to, moment, count }: { from: number; to: number; moment: number; count: number },
  isLeft: () => boolean,
): AsyncGenerator<Uint8Array> {
  let missing = count;
  for await (const batch of scan(cluster, { from, to })) {
    if (isLeft()) return;
    const lines = batch.filter(({ sequence }) => view.stoodAt(sequence, moment)).map((message) => view.lineOf(message));
    missing -= lines.length;
    yield* chunksOf(lines);
    if (isLeft()) return;
  }
  if (missing > 0) throw erasedEarly(missing);
}

/** Lines as they stood when it was opened. */
export class StreamSnapshot implements Snapshot {
  readonly from: number;
  readonly to: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly #hold: Hold;

  constructor(source: Source, { from, to }: Positions) {
    const { view } = source;
    this.from = from;
    this.to = to;
    this.#hold = new Hold(source, view.last);
    const range = { from: view.sequenceOf(from), to: view.sequenceOf(to), moment: view.last, count: to - from + 1 };
    this.chunks = this.#read(source, range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hold.release();
  }

  async *#read(source: Source, range: Parameters<typeof linesAt>[1]): AsyncGenerator<Uint8Array> {
    try {
      if (range.count > 0 && !this.#hold.isReleased) yield* linesAt(source, range, () => this.#hold.isReleased);
    } finally {
      await this.#hold.release();
    }
  }
}

/** Lines as they stood when it was opened, and then every line as it comes. */
export class StreamFeed implements Feed {
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly #source: Source;
  readonly #hold: Hold;
  #wake = (): void => {};

  constructor(source: Source, from: number) {
    this.#source = source;
    this.from = from;
    const { view } = source;
    this.#hold = new Hold(source, view.last);
    const start = view.sequenceOf(from);
    this.chunks = this.#read(start, view.last, view.lines - from + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hold.release();
    this.#wake();
  }

  async *#read(from: number, moment: number, count: number): AsyncGenerator<Uint8Array> {
    const hold = this.#hold;
    try {
      if (count > 0) yield* linesAt(this.#source, { from, to: moment, moment, count }, () => hold.isReleased);
      while (!hold.isReleased) {
        const { view } = this.#source;
        if (hold.moment < view.last) yield* this.#catchUp();
        else if (view.end === undefined) await this.#change();
        else if (view.end === "closed") return;
        else throw view.end;
      }
    } finally {
      await hold.release();
    }
  }

  /** The lines behind the moment up to what the view has seen: every message is one, whatever was deleted since. */
  async *#catchUp(): AsyncGenerator<Uint8Array> {
    const { cluster, view } = this.#source;
    const to = view.last;
    const recent = this.#recentLines(to);
    if (recent !== undefined) {
      this.#hold.moment = to;
      return yield* chunksOf(recent);
    }
    const from = this.#hold.moment + 1;
    for await (const batch of scan(cluster, { from, to })) {
      for (const { sequence } of batch) {
        if (sequence !== this.#hold.moment + 1) throw erasedEarly(sequence - this.#hold.moment - 1);
        this.#hold.moment = sequence;
      }
      yield* chunksOf(batch.map((message) => view.lineOf(message)));
      if (this.#hold.isReleased) return;
    }
    if (this.#hold.moment < to) throw erasedEarly(to - this.#hold.moment);
  }

  #recentLines(to: number): Uint8Array[] | undefined {
    const lines: Uint8Array[] = [];
    for (let sequence = this.#hold.moment + 1; sequence <= to; sequence++) {
      const line = this.#source.view.recentLine(sequence);
      if (line === undefined) return undefined;
      lines.push(line);
    }
    return lines;
  }

  async #change(): Promise<void> {
    const { view } = this.#source;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      view.once("change", resolve);
    });
    view.off("change", this.#wake);
  }
}

function* chunksOf(lines: readonly Uint8Array[]): Generator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  for (const line of lines) {
    if (bytes + line.length > readChunkBytesDefault && gathered.length > 0) {
      yield Buffer.concat(gathered);
      gathered = [];
      bytes = 0;
    }
    gathered.push(line);
    bytes += line.length;
  }
  if (gathered.length > 0) yield Buffer.concat(gathered);
}

function erasedEarly(count: number): HistoryError {
  const sentence = `${count} lines were erased before they were read: this server was cut off from its cluster for too long`;
  return new HistoryError("storage-failed", sentence);
}
