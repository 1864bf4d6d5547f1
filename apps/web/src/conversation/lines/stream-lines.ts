/**
 * The bytes of a stream as lines, in the order in which they went: taken read by read, never all over again.
 *
 * A line ends with LF, CRLF or CR, where the other direction begins to speak, or at `lineBytesMax`. What has come of one is a
 * row at once. Rows hold bytes and not text, so a character that two reads cut in two is whole, and only what is seen is
 * decoded. They stand in blocks of `blockRows`, the unit in which they are drawn and let go of: the first block and the
 * newest stay.
 */

import type { StreamEvent } from "@wirebook/protocol";
import { joinBytes } from "@wirebook/protocol";
import type { Stream } from "../../streams/stream.svelte.ts";
import { blockRows, lineBytesMax, streamLinesBytesKept, streamLinesKept } from "../../limits.ts";

export interface Row {
  /** Counts the rows of the stream, from 0. */
  readonly id: number;
  /** `gap`: bytes that are not kept. */
  readonly kind: "data" | "fin" | "rst" | "gap";
  readonly isFromTarget: boolean;
  /** When its first byte went, on the gateway's clock. */
  readonly atMs: number;
  /** Milliseconds since the event before; `undefined` in a row that begins within an event. */
  readonly pauseMs: number | undefined;
  /** Where it is among the bytes of its direction. */
  readonly from: number;
  readonly to: number;
  /** With its line end. */
  readonly bytes: Uint8Array;
}

export interface Block {
  readonly id: number;
  readonly rows: readonly Row[];
}

export interface LeftOut {
  readonly rows: number;
  readonly bytes: number;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing = new Uint8Array(0);

export class StreamLines {
  /** The index of the event that is taken next. */
  next = 0;
  /** Rows behind the first block that were let go of. */
  leftOut: LeftOut = { rows: 0, bytes: 0 };
  readonly #from: number | undefined;
  readonly #to: number;
  #blocks: Block[] = [];
  /** The rows of the last block; `#isStale` when it has changed since. */
  #rows: Row[] = [];
  #isStale = false;
  /** True while the last row may go on. */
  #isOpen = false;
  #rowCount = 0;
  #bytesKept = 0;
  #lastMs: number | undefined;
  /** Bytes of each direction that were taken: from the target, and to it. */
  readonly #taken = { received: 0, sent: 0 };

  /** @param from takes only what was received, from this offset on and up to, but not including, `to` */
  constructor(from?: number, to = Infinity) {
    this.#from = from;
    this.#to = to;
  }

  get count(): number {
    return this.#rowCount;
  }

  /** Takes the events that are new. */
  take(events: readonly StreamEvent[]): void {
    for (const event of events) {
      this.next = event.index + 1;
      const isWithin = event.isFromTarget && event.kind === "data" && event.offset < this.#to;
      if (this.#from === undefined || isWithin) this.#takeEvent(event);
    }
  }

  /** All blocks; those that have not changed are the same objects as before. */
  get blocks(): readonly Block[] {
    if (this.#isStale) this.#blocks[this.#blocks.length - 1] = { id: this.#lastBlock, rows: [...this.#rows] };
    this.#isStale = false;
    return [...this.#blocks];
  }

  get #lastBlock(): number {
    return Math.ceil(this.#rowCount / blockRows) - 1;
  }

  #takeEvent(event: StreamEvent): void {
    const { kind, isFromTarget, offset } = event;
    // Its bytes stand where they were read.
    if (kind === "written") return;
    const byteCount = Math.min(event.byteCount, this.#to - offset);
    const way = isFromTarget ? "received" : "sent";
    const start = isFromTarget ? (this.#from ?? 0) : 0;
    const expected = Math.max(start, this.#taken[way]);
    if (offset > expected) this.#addGap(event, expected, offset);
    this.#taken[way] = offset + byteCount;
    if (kind !== "data") this.#add(event, kind, offset, nothing);
    else if (event.bytes === undefined) this.#addGap(event, Math.max(start, offset), offset + byteCount);
    else if (offset + byteCount > start)
      this.#addBytes(event, event.bytes.subarray(0, byteCount), Math.max(0, start - offset));
    this.#lastMs = event.atMs;
  }

  #addBytes(event: StreamEvent, bytes: Uint8Array, start: number): void {
    let feed = -2;
    let carriage = -2;
    for (let at = start; at < bytes.length;) {
      // Each is looked for once, however many lines there are before the next.
      if (feed < at && feed !== -1) feed = bytes.indexOf(lineFeed, at);
      if (carriage < at && carriage !== -1) carriage = bytes.indexOf(carriageReturn, at);
      const open = this.#openRow(event.isFromTarget);
      const isFull = open !== undefined && open.bytes.length >= lineBytesMax;
      if (isFull || (open?.bytes.at(-1) === carriageReturn && bytes[at] !== lineFeed)) {
        this.#isOpen = false;
        continue;
      }
      const isCarriage = carriage >= 0 && (feed < 0 || carriage < feed);
      const isBoth = isCarriage && feed === carriage + 1;
      const lineEnd = isCarriage ? carriage + (isBoth ? 2 : 1) : feed < 0 ? bytes.length : feed + 1;
      const room = lineBytesMax - (open?.bytes.length ?? 0);
      const end = lineEnd - at <= room ? lineEnd : cutBetweenCharacters(bytes, at, at + room);
      const part = bytes.subarray(at, end);
      if (open === undefined) this.#add(event, "data", event.offset + at, part);
      else this.#extend(open, part);
      // A LF may follow a CR in the next read.
      const last = part.at(-1);
      this.#isOpen = last !== lineFeed && (last !== carriageReturn || end === bytes.length) && end === lineEnd;
      at = end;
    }
  }

  #openRow(isFromTarget: boolean): Row | undefined {
    const last = this.#rows.at(-1);
    return this.#isOpen && last?.kind === "data" && last.isFromTarget === isFromTarget ? last : undefined;
  }

  #extend(row: Row, part: Uint8Array): void {
    this.#replaceLast({ ...row, to: row.to + part.length, bytes: joinBytes(row.bytes, part) });
    this.#bytesKept += part.length;
  }

  #replaceLast(row: Row): void {
    this.#rows[this.#rows.length - 1] = row;
    this.#isStale = true;
  }

  #addGap(event: StreamEvent, from: number, to: number): void {
    const last = this.#rows.at(-1);
    const isMore = last?.kind === "gap" && last.isFromTarget === event.isFromTarget && last.to === from;
    if (isMore) this.#replaceLast({ ...last, to });
    else this.#add(event, "gap", from, nothing, to);
  }

  #add(event: StreamEvent, kind: Row["kind"], from: number, bytes: Uint8Array, to = from + bytes.length): void {
    const { isFromTarget, atMs } = event;
    const pauseMs = this.#lastMs === undefined ? Infinity : this.#lastMs === atMs ? undefined : atMs - this.#lastMs;
    this.#lastMs = atMs;
    if (this.#rowCount % blockRows === 0) this.#beginBlock();
    this.#rows.push({ id: this.#rowCount++, kind, isFromTarget, atMs, pauseMs, from, to, bytes });
    this.#bytesKept += bytes.length;
    this.#isOpen = false;
    this.#isStale = true;
  }

  #beginBlock(): void {
    void this.blocks;
    this.#rows = [];
    this.#blocks.push({ id: this.#rowCount / blockRows, rows: [] });
    while (this.#blocks.length > 2 && this.#isTooMuch) {
      const [oldest] = this.#blocks.splice(1, 1);
      const bytes = oldest?.rows.reduce((sum, row) => sum + row.bytes.length, 0) ?? 0;
      this.#bytesKept -= bytes;
      this.leftOut = { rows: this.leftOut.rows + blockRows, bytes: this.leftOut.bytes + bytes };
    }
  }

  get #isTooMuch(): boolean {
    return this.#blocks.length * blockRows > streamLinesKept || this.#bytesKept > streamLinesBytesKept;
  }
}

/** True when a presentation shows the row as dots. */
export function isRowHidden({ hidden }: Pick<Stream, "hidden">, row: Row): boolean {
  return hidden.some((span) => span.isFromTarget === row.isFromTarget && span.from < row.to && span.to > row.from);
}

/** An offset that is not within a character of UTF-8, a few bytes before `end` at most. */
function cutBetweenCharacters(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end; at > end - 4 && at > start; at--) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
  return end;
}
