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
  /** Newest events behind those: past them the oldest eighth of these goes at once, since letting go of each costs more. */
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
  readonly #bounds: RecordBounds;
  readonly #sent = new Direction();
  readonly #received = new Direction();
  /** The first that are kept, then the newest. */
  readonly #events: StreamEvent[] = [];
  #eventCount = 0;
  /** How many of the events have lost their bytes: the oldest lose theirs first. */
  #trimmed = 0;
  #bytesKept = 0;
  /** What was handed over for sending and is not yet taken by the kernel. */
  #unsent: Uint8Array[] = [];

  constructor(bounds: RecordBounds) {
    this.#bounds = bounds;
  }

  /** Bytes that the kernel took to send. */
  get sentBytes(): number {
    return this.#sent.bytes;
  }

  get receivedBytes(): number {
    return this.#received.bytes;
  }

  get writeCount(): number {
    return this.#sent.count;
  }

  get readCount(): number {
    return this.#received.count;
  }

  /** The events that are kept, in order. */
  get events(): readonly StreamEvent[] {
    return [...this.#events];
  }

  /** The reads that are kept, in order. */
  get reads(): readonly StreamEvent[] {
    return this.#events.filter(({ kind, isFromTarget }) => kind === "data" && isFromTarget);
  }

  /** The writes that are kept, in order. */
  get writes(): readonly StreamEvent[] {
    return this.#events.filter(({ kind, isFromTarget }) => kind === "data" && !isFromTarget);
  }

  /** How many events are kept. */
  get keptCount(): number {
    return this.#events.length;
  }

  /** One of the events that are kept, by its place among them: for those who look at a few of many. */
  keptAt(place: number): StreamEvent | undefined {
    return this.#events[place];
  }

  /** The events that are kept, from the one with this index on: for whoever has taken those before. */
  eventsFrom(index: number): readonly StreamEvent[] {
    return this.#events.slice(this.#events.findLastIndex((event) => event.index < index) + 1);
  }

  /** The newest event; `undefined` before the first one, and where none is kept. */
  get latest(): StreamEvent | undefined {
    return this.#events.at(-1);
  }

  /** What is missing between the first events and the newest. */
  get omitted(): Omitted {
    return {
      events: this.#eventCount - this.#events.length,
      sentBytes: this.#sent.omittedBytes,
      receivedBytes: this.#received.omittedBytes,
    };
  }

  /** Bytes that are kept. */
  get bytesKept(): number {
    return this.#bytesKept;
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
  wrote(write: Uint8Array | number, atMs: number, options?: EventOptions): void {
    this.mark("written", atMs);
    const bytes = typeof write === "number" ? this.#takeUnsent(write) : write;
    this.#carry(false, typeof write === "number" ? write : write.length, bytes, atMs, options);
  }

  /** One read gave these bytes, which are the record's to keep; or so many of which nothing else is known any more. */
  read(read: Uint8Array | number, atMs: number, options?: EventOptions): void {
    this.mark("firstByte", atMs);
    if (typeof read === "number") this.#carry(true, read, undefined, atMs, options);
    else this.#carry(true, read.length, read, atMs, options);
  }

  /** Of a flow: the other leg took so many bytes that had waited. */
  taken(byteCount: number, isFromTarget: boolean, atMs: number, options?: EventOptions): void {
    const direction = this.#directionOf(isFromTarget);
    const offset = direction.takenBytes;
    direction.takenBytes += byteCount;
    this.#add({ kind: "written", isFromTarget, atMs, number: 0, offset, byteCount, bytes: undefined }, options);
  }

  /** A direction was closed. */
  ended(kind: "fin" | "rst", isFromTarget: boolean, atMs: number, options?: EventOptions): void {
    if (kind === "fin") this.mark(isFromTarget ? "fin" : "ended", atMs);
    const offset = this.#directionOf(isFromTarget).bytes;
    this.#add({ kind, isFromTarget, atMs, number: 0, offset, byteCount: 0, bytes: undefined }, options);
  }

  /**
   * Events of a flow are missing here: so many bytes came before what follows. It may be told so more than once.
   *
   * @returns how many bytes of both directions were not known of
   */
  missed(sentBytes: number, receivedBytes: number): number {
    return this.#sent.skipTo(sentBytes) + this.#received.skipTo(receivedBytes);
  }

  /** Lets go of all bytes; returns how many they were. */
  releaseBytes(): number {
    const released = this.#bytesKept;
    this.#unsent = [];
    this.#trimBytes(0);
    return released;
  }

  #directionOf(isFromTarget: boolean): Direction {
    return isFromTarget ? this.#received : this.#sent;
  }

  #carry(
    isFromTarget: boolean,
    byteCount: number,
    bytes: Uint8Array | undefined,
    atMs: number,
    options?: EventOptions,
  ): void {
    const direction = this.#directionOf(isFromTarget);
    const offset = direction.bytes;
    direction.bytes += byteCount;
    if (options?.isWaiting !== true) direction.takenBytes = direction.bytes;
    const number = direction.count++;
    this.#add({ kind: "data", isFromTarget, atMs, number, offset, byteCount, bytes }, options);
  }

  #add(event: NewEvent, options: EventOptions = {}): void {
    const { leg = "target", isAfterGap = false, isWaiting, queuedKiB = 0, arrivedMs } = options;
    const index = this.#eventCount++;
    const direction = this.#directionOf(event.isFromTarget);
    const isBehindGap = isAfterGap || direction.isAfterGap;
    direction.isAfterGap = false;
    const { firstEventsKept, lastEventsKept, bytesKept } = this.#bounds;
    if (firstEventsKept + lastEventsKept === 0) return this.#omit(event);
    const plain: StreamEvent = { ...event, index, leg, isAfterGap: isBehindGap, queuedKiB, arrivedMs };
    this.#events.push(isWaiting === true ? { ...plain, isWaiting } : plain);
    this.#bytesKept += event.bytes?.length ?? 0;
    if (this.#events.length > firstEventsKept + lastEventsKept) this.#omitOldest();
    this.#trimBytes(bytesKept);
  }

  #omitOldest(): void {
    const { firstEventsKept, lastEventsKept } = this.#bounds;
    const omitted = this.#events.splice(firstEventsKept, Math.floor(lastEventsKept / 8) + 1);
    for (const event of omitted) {
      this.#omit(event);
      this.#drop(event);
    }
    if (this.#trimmed > firstEventsKept) this.#trimmed = Math.max(firstEventsKept, this.#trimmed - omitted.length);
  }

  #omit({ kind, isFromTarget, byteCount }: NewEvent): void {
    if (kind !== "written") this.#directionOf(isFromTarget).omittedBytes += byteCount;
  }

  #trimBytes(bytesMax: number): void {
    while (this.#bytesKept > bytesMax) this.#drop(this.#events[this.#trimmed++] as StreamEvent);
  }

  #drop(event: StreamEvent): void {
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

/** What is counted of one direction. */
class Direction {
  bytes = 0;
  /** Writes, or reads. */
  count = 0;
  /** Of a flow: bytes that the other leg has taken. */
  takenBytes = 0;
  /** Bytes of events that are not kept, or that never came to be known of. */
  omittedBytes = 0;
  /** True when something before the next event is missing. */
  isAfterGap = false;

  /** Returns how many bytes up to there were not known of. */
  skipTo(bytes: number): number {
    const missing = Math.max(0, bytes - this.bytes);
    if (missing === 0) return 0;
    this.omittedBytes += missing;
    this.takenBytes = this.bytes = bytes;
    this.isAfterGap = true;
    return missing;
  }
}
