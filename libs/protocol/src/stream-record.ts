/**
 * What is known of a stream, while it lives and afterwards: its steps, its bytes in both directions with their times, its end.
 *
 * There is this one record of a stream. A connection to a target fills one (the client's `--trace`, the gateway's log), and
 * the page fills one from the frames of the gateway. Exchange and conversation, an hour or a moment, are the same thing here.
 *
 * It is bounded. Of the events the first and the newest are kept; `omitted` counts those between. Of the bytes the newest
 * are kept; an event whose bytes are gone still says how many they were.
 */

import type { EndReason, Endpoint, FrameErrorCode, Hop, Step, StepTimes, TlsFacts } from "./stream-terms.ts";
import { joinBytes } from "./text.ts";

/** Bytes that went one way, or the end of that direction. */
export interface StreamEvent {
  /** `data`: one read, or one write that the kernel took. `written`, of a flow: a read that waited was taken by the other leg. */
  readonly kind: "data" | "written" | "fin" | "rst";
  readonly leg: "target" | "client";
  readonly isFromTarget: boolean;
  /** When the observer noted it, on its own monotonic clock. */
  readonly atMs: number;
  /** Counts the events of the stream, from 0. */
  readonly index: number;
  /** Counts the reads, or the writes, of the stream, from 0. */
  readonly number: number;
  /** Bytes of this direction before it; for `written`, those that the other leg had taken before. */
  readonly offset: number;
  /** How many bytes: 0 for FIN and RST. */
  readonly byteCount: number;
  /** True when something of this direction before it is missing. */
  readonly isAfterGap: boolean;
  /** True for a read of a flow that the other leg did not take at once: `written` follows. */
  readonly isWaiting?: boolean;
  /** KiB that waited toward the page before it; 0 where there is no page. */
  readonly queuedKiB: number;
  /** When it came to the page, on the page's clock; `undefined` where there is no page. */
  readonly arrivedMs: number | undefined;
  /** Its bytes, unless they were not kept. */
  bytes: Uint8Array | undefined;
}

/** What may differ from an event of a connection that is observed directly. */
export type EventOptions = Partial<Pick<StreamEvent, "leg" | "isAfterGap" | "isWaiting" | "queuedKiB" | "arrivedMs">>;

/** How a stream ended. */
export type StreamOutcome =
  | { readonly kind: "ended"; readonly reason: EndReason }
  | {
      readonly kind: "failed";
      readonly code: FrameErrorCode | "gateway-lost";
      readonly hop: Hop;
      readonly message: string;
    };

/** What a record keeps. */
export interface RecordBounds {
  /** Events from the beginning on. */
  readonly firstEventsKept: number;
  /** Newest events behind those. */
  readonly lastEventsKept: number;
  /** Bytes of all events together. */
  readonly bytesKept: number;
}

/** Events, and their bytes, that are not kept. */
export interface Omitted {
  readonly events: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Keeps no event: steps, counts and the end alone. */
export const countsOnly: RecordBounds = Object.freeze({ firstEventsKept: 0, lastEventsKept: 0, bytesKept: 0 });

/** The record of one stream. */
export class StreamRecord {
  /** When each step happened first. */
  readonly at: StepTimes = {};
  /** This end of the connection to the target, and the other one; absent for a Unix socket, and before it is established. */
  local: Endpoint | undefined;
  remote: Endpoint | undefined;
  tls: TlsFacts | undefined;
  outcome: StreamOutcome | undefined;
  /** Bytes that the kernel took to send. */
  sentBytes = 0;
  receivedBytes = 0;
  writeCount = 0;
  readCount = 0;
  readonly #bounds: RecordBounds;
  readonly #first: StreamEvent[] = [];
  readonly #last = new Queue<StreamEvent>();
  /** How many of the first events, and then of the last, have lost their bytes: the oldest lose theirs first. */
  #firstTrimmed = 0;
  #lastTrimmed = 0;
  readonly #omitted = { events: 0, sentBytes: 0, receivedBytes: 0 };
  /** Of each direction of a flow: bytes that the other leg has taken, and whether frames before the next one are missing. */
  readonly #sent = { takenBytes: 0, isAfterGap: false };
  readonly #received = { takenBytes: 0, isAfterGap: false };
  #eventCount = 0;
  #bytesKept = 0;
  /** What was handed over for sending and is not yet taken by the kernel. */
  #unsent: Uint8Array[] = [];

  constructor(bounds: RecordBounds) {
    this.#bounds = bounds;
  }

  /** Notes the first time that a step happens. */
  mark(step: Step, atMs: number): void {
    this.at[step] ??= atMs;
  }

  /** Bytes are on their way to the kernel, which says by `wrote` how many it has taken. */
  sending(bytes: Uint8Array): void {
    if (this.#bounds.bytesKept > 0 && bytes.length > 0) this.#unsent.push(bytes);
  }

  /** The kernel took so many bytes of those that were handed over; or, for a flow, these bytes were read from the client. */
  wrote(write: Uint8Array | number, atMs: number, options: EventOptions = {}): void {
    this.mark("written", atMs);
    const offset = this.sentBytes;
    const [byteCount, bytes] = typeof write === "number" ? [write, this.#takeUnsent(write)] : [write.length, write];
    this.sentBytes += byteCount;
    if (options.isWaiting !== true) this.#sent.takenBytes = this.sentBytes;
    const number = this.writeCount++;
    this.#add({ kind: "data", isFromTarget: false, atMs, number, offset, byteCount, bytes }, options);
  }

  /** One read gave these bytes, which are the record's to keep; or so many of which nothing else is known any more. */
  read(read: Uint8Array | number, atMs: number, options: EventOptions = {}): void {
    this.mark("firstByte", atMs);
    const offset = this.receivedBytes;
    const [byteCount, bytes] = typeof read === "number" ? [read, undefined] : [read.length, read];
    this.receivedBytes += byteCount;
    if (options.isWaiting !== true) this.#received.takenBytes = this.receivedBytes;
    const number = this.readCount++;
    this.#add({ kind: "data", isFromTarget: true, atMs, number, offset, byteCount, bytes }, options);
  }

  /** Of a flow: the other leg took so many bytes that had waited. */
  taken(byteCount: number, isFromTarget: boolean, atMs: number, options: EventOptions = {}): void {
    const direction = isFromTarget ? this.#received : this.#sent;
    const offset = direction.takenBytes;
    direction.takenBytes += byteCount;
    this.#add({ kind: "written", isFromTarget, atMs, number: 0, offset, byteCount, bytes: undefined }, options);
  }

  /**
   * Events of a flow are missing here: so many bytes came before what follows. It may be told so more than once.
   *
   * @returns how many bytes of both directions were not known of
   */
  missed(sentBytes: number, receivedBytes: number): number {
    const missing = {
      sent: Math.max(0, sentBytes - this.sentBytes),
      received: Math.max(0, receivedBytes - this.receivedBytes),
    };
    this.#omitted.sentBytes += missing.sent;
    this.#omitted.receivedBytes += missing.received;
    this.sentBytes += missing.sent;
    this.receivedBytes += missing.received;
    this.#skip(this.#sent, missing.sent, this.sentBytes);
    this.#skip(this.#received, missing.received, this.receivedBytes);
    return missing.sent + missing.received;
  }

  #skip(direction: { takenBytes: number; isAfterGap: boolean }, missing: number, bytes: number): void {
    if (missing === 0) return;
    direction.isAfterGap = true;
    direction.takenBytes = bytes;
  }

  /** A direction was closed. */
  ended(kind: "fin" | "rst", isFromTarget: boolean, atMs: number, options: EventOptions = {}): void {
    if (kind === "fin") this.mark(isFromTarget ? "fin" : "ended", atMs);
    const offset = isFromTarget ? this.receivedBytes : this.sentBytes;
    this.#add({ kind, isFromTarget, atMs, number: 0, offset, byteCount: 0, bytes: undefined }, options);
  }

  /** The events that are kept, in order. */
  get events(): readonly StreamEvent[] {
    return [...this.#first, ...this.#last.all()];
  }

  /** How many events are kept. */
  get keptCount(): number {
    return this.#first.length + this.#last.length;
  }

  /** One of the events that are kept, by its place among them: for those who look at a few of many. */
  keptAt(place: number): StreamEvent | undefined {
    return place < this.#first.length ? this.#first[place] : this.#last.at(place - this.#first.length);
  }

  /** The events that are kept, from the one with this index on: for whoever has taken those before. */
  eventsFrom(index: number): readonly StreamEvent[] {
    const firstOfLast = this.#eventCount - this.#last.length;
    return [...this.#first.slice(index), ...this.#last.all(Math.max(0, index - firstOfLast))];
  }

  /** The newest event; `undefined` before the first one, and where none is kept. */
  get latest(): StreamEvent | undefined {
    return this.#last.latest ?? this.#first.at(-1);
  }

  /** The reads that are kept, in order. */
  get reads(): readonly StreamEvent[] {
    return this.events.filter(({ kind, isFromTarget }) => kind === "data" && isFromTarget);
  }

  /** The writes that are kept, in order. */
  get writes(): readonly StreamEvent[] {
    return this.events.filter(({ kind, isFromTarget }) => kind === "data" && !isFromTarget);
  }

  /** What is missing between the first events and the newest. */
  get omitted(): Omitted {
    return this.#omitted;
  }

  /** Bytes that are kept. */
  get bytesKept(): number {
    return this.#bytesKept;
  }

  /** Lets go of all bytes; returns how many they were. */
  releaseBytes(): number {
    const released = this.#bytesKept;
    this.#unsent = [];
    this.#trimBytes(0);
    return released;
  }

  #add(
    event: NewEvent,
    { leg = "target", isAfterGap = false, isWaiting, queuedKiB = 0, arrivedMs }: EventOptions,
  ): void {
    const index = this.#eventCount++;
    const direction = event.isFromTarget ? this.#received : this.#sent;
    const isBehindGap = isAfterGap || direction.isAfterGap;
    direction.isAfterGap = false;
    const { firstEventsKept, lastEventsKept, bytesKept } = this.#bounds;
    if (firstEventsKept + lastEventsKept === 0) return this.#omit(event);
    const plain: StreamEvent = { ...event, index, leg, isAfterGap: isBehindGap, queuedKiB, arrivedMs };
    const whole: StreamEvent = isWaiting === true ? { ...plain, isWaiting } : plain;
    if (this.#first.length < firstEventsKept) this.#first.push(whole);
    else this.#last.push(whole);
    this.#bytesKept += event.bytes?.length ?? 0;
    if (this.#last.length > lastEventsKept) {
      const oldest = this.#last.shift() as StreamEvent;
      this.#lastTrimmed = Math.max(0, this.#lastTrimmed - 1);
      this.#omit(oldest);
      this.#drop(oldest);
    }
    this.#trimBytes(bytesKept);
  }

  #omit(event: NewEvent): void {
    this.#omitted.events += 1;
    if (event.kind === "written") return;
    if (event.isFromTarget) this.#omitted.receivedBytes += event.byteCount;
    else this.#omitted.sentBytes += event.byteCount;
  }

  #trimBytes(bytesMax: number): void {
    while (this.#bytesKept > bytesMax) {
      const oldest = this.#first[this.#firstTrimmed] ?? this.#last.at(this.#lastTrimmed);
      if (this.#firstTrimmed < this.#first.length) this.#firstTrimmed += 1;
      else this.#lastTrimmed += 1;
      this.#drop(oldest as StreamEvent);
    }
  }

  #drop(event: { bytes: Uint8Array | undefined }): void {
    this.#bytesKept -= event.bytes?.length ?? 0;
    event.bytes = undefined;
  }

  /** The next bytes of those that were handed over; `undefined` when they were not. */
  #takeUnsent(byteCount: number): Uint8Array | undefined {
    let taken: Uint8Array = new Uint8Array(0);
    while (taken.length < byteCount) {
      const [next] = this.#unsent;
      if (next === undefined) return undefined;
      const part = next.subarray(0, byteCount - taken.length);
      if (part.length === next.length) this.#unsent.shift();
      else this.#unsent[0] = next.subarray(part.length);
      taken = joinBytes(taken, part);
    }
    return taken;
  }
}

type NewEvent = Pick<StreamEvent, "kind" | "isFromTarget" | "atMs" | "number" | "offset" | "byteCount" | "bytes">;

/** First in, first out: an array whose first items are let go of in lumps, since shifting each would move all others. */
class Queue<Item> {
  #items: Item[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  get latest(): Item | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1);
  }

  all(from = 0): readonly Item[] {
    return this.#start + from === 0 ? this.#items : this.#items.slice(this.#start + from);
  }

  at(index: number): Item | undefined {
    return this.#items[this.#start + index];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#start++];
    if (this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }
}
