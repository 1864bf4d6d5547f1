/**
 * What is known of a stream, while it lives and afterwards: its steps, its bytes in both directions with their times, its end.
 * It is bounded: of the events the first and the newest are kept, and of the bytes the newest. An event whose bytes are gone
 * still says how many they were.
 */

import type { EndReason, Endpoint, FrameErrorCode, Hop, Step, StepTimes, TlsFacts } from "./frames.ts";
import { joinBytes } from "./text.ts";

export interface StreamEvent {
  /** `data`: one read, or one write that the kernel took. `written`, of a flow: a read that waited was taken by the other leg. */
  readonly kind: "data" | "written" | "fin" | "rst";
  readonly leg: "target" | "client";
  readonly isFromTarget: boolean;
  /** When the observer noted it, on its own monotonic clock. */
  readonly atMs: number;
  /** Counts the events of the stream, and `number` its reads, or its writes, from 0. */
  readonly index: number;
  readonly number: number;
  /** Bytes of this direction before it; for `written`, those that the other leg had taken before. */
  readonly offset: number;
  /** 0 for FIN and RST. */
  readonly byteCount: number;
  /** True when something of this direction before it is missing. */
  readonly isAfterGap: boolean;
  /** True for a read of a flow that the other leg did not take at once: `written` follows. */
  readonly isWaiting?: boolean;
  /** KiB that waited toward the page before it, and when it came there, on the page's clock; 0 and `undefined` elsewhere. */
  readonly queuedKiB: number;
  readonly arrivedMs: number | undefined;
  /** Its bytes, unless they were not kept. */
  bytes: Uint8Array | undefined;
}

/** What may differ from an event of a connection that is observed directly. */
export type EventOptions = Partial<Pick<StreamEvent, "leg" | "isAfterGap" | "isWaiting" | "queuedKiB" | "arrivedMs">>;

export type StreamOutcome =
  | { readonly kind: "ended"; readonly reason: EndReason }
  | Readonly<{ kind: "failed"; code: FrameErrorCode | "gateway-lost"; hop: Hop; message: string }>;

export interface RecordBounds {
  /** Events from the beginning on. */
  readonly firstEventsKept: number;
  /** Newest events behind those: past them the oldest eighth of these goes at once, since letting go of each costs more. */
  readonly lastEventsKept: number;
  /** Bytes of all events together. */
  readonly bytesKept: number;
}

/** Keeps no event: steps, counts and the end alone. */
export const countsOnly: RecordBounds = Object.freeze({ firstEventsKept: 0, lastEventsKept: 0, bytesKept: 0 });

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

  get events(): readonly StreamEvent[] {
    return [...this.#events];
  }

  get reads(): readonly StreamEvent[] {
    return this.#events.filter(({ kind, isFromTarget }) => kind === "data" && isFromTarget);
  }

  get writes(): readonly StreamEvent[] {
    return this.#events.filter(({ kind, isFromTarget }) => kind === "data" && !isFromTarget);
  }

  /** The events that are kept, from the one with this index on: for whoever has taken those before. */
  eventsFrom(index: number): readonly StreamEvent[] {
    return this.#events.slice(this.#events.findLastIndex((event) => event.index < index) + 1);
  }

  /** The newest event; `undefined` before the first one, and where none is kept. */
  get latest(): StreamEvent | undefined {
    return this.#events.at(-1);
  }

  /** What is missing between the first events and the newest: events, and their bytes. */
  get omitted(): { readonly events: number; readonly sentBytes: number; readonly receivedBytes: number } {
    return {
      events: this.#eventCount - this.#events.length,
      sentBytes: this.#sent.omittedBytes,
      receivedBytes: this.#received.omittedBytes,
    };
  }

  get bytesKept(): number {
    return this.#bytesKept;
  }

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
    if (typeof write === "number") this.#add("data", false, write, this.#takeUnsent(write), atMs, options);
    else this.#add("data", false, write.length, write, atMs, options);
  }

  /** One read gave these bytes, which are the record's to keep; or so many of which nothing else is known any more. */
  read(read: Uint8Array | number, atMs: number, options?: EventOptions): void {
    this.mark("firstByte", atMs);
    if (typeof read === "number") this.#add("data", true, read, undefined, atMs, options);
    else this.#add("data", true, read.length, read, atMs, options);
  }

  /** Of a flow: the other leg took so many bytes that had waited. */
  taken(byteCount: number, isFromTarget: boolean, atMs: number, options?: EventOptions): void {
    this.#add("written", isFromTarget, byteCount, undefined, atMs, options);
  }

  ended(kind: "fin" | "rst", isFromTarget: boolean, atMs: number, options?: EventOptions): void {
    if (kind === "fin") this.mark(isFromTarget ? "fin" : "ended", atMs);
    this.#add(kind, isFromTarget, 0, undefined, atMs, options);
  }

  /** Events of a flow are missing here: so many bytes came before. */
  missed(sentBytes: number, receivedBytes: number): void {
    this.#sent.skipTo(sentBytes);
    this.#received.skipTo(receivedBytes);
  }

  /** Returns how many bytes it let go of. */
  releaseBytes(): number {
    const released = this.#bytesKept;
    this.#unsent = [];
    this.#trimBytes(0);
    return released;
  }

  #directionOf(isFromTarget: boolean): Direction {
    return isFromTarget ? this.#received : this.#sent;
  }

  #add(
    kind: StreamEvent["kind"],
    isFromTarget: boolean,
    byteCount: number,
    bytes: Uint8Array | undefined,
    atMs: number,
    { leg = "target", isAfterGap = false, isWaiting = false, queuedKiB = 0, arrivedMs }: EventOptions = {},
  ): void {
    const direction = this.#directionOf(isFromTarget);
    const { firstEventsKept, lastEventsKept, bytesKept } = this.#bounds;
    const offset = kind === "written" ? direction.takenBytes : direction.bytes;
    const number = kind === "data" ? direction.count++ : 0;
    const isBehindGap = isAfterGap || direction.isAfterGap;
    const index = this.#eventCount++;
    direction.isAfterGap = false;
    if (kind === "data") direction.bytes += byteCount;
    if (kind === "written" || (kind === "data" && !isWaiting)) direction.takenBytes = offset + byteCount;
    if (firstEventsKept + lastEventsKept === 0) return direction.omit(kind, byteCount);
    const event = { kind, leg, isFromTarget, atMs, index, number, offset, byteCount, isAfterGap: isBehindGap };
    this.#events.push({ ...event, ...(isWaiting && { isWaiting }), queuedKiB, arrivedMs, bytes });
    this.#bytesKept += bytes?.length ?? 0;
    if (this.#events.length > firstEventsKept + lastEventsKept) this.#omitOldest();
    this.#trimBytes(bytesKept);
  }

  #omitOldest(): void {
    const { firstEventsKept, lastEventsKept } = this.#bounds;
    const omitted = this.#events.splice(firstEventsKept, Math.floor(lastEventsKept / 8) + 1);
    for (const event of omitted) {
      this.#directionOf(event.isFromTarget).omit(event.kind, event.byteCount);
      this.#drop(event);
    }
    if (this.#trimmed > firstEventsKept) this.#trimmed = Math.max(firstEventsKept, this.#trimmed - omitted.length);
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
      const next = this.#unsent.shift();
      if (next === undefined) return undefined;
      const missing = byteCount - taken.length;
      taken = joinBytes(taken, next.subarray(0, missing));
      if (next.length > missing) this.#unsent.unshift(next.subarray(missing));
    }
    return taken;
  }
}

class Direction {
  bytes = 0;
  /** Writes, or reads. */
  count = 0;
  /** Of a flow: bytes that the other leg has taken. */
  takenBytes = 0;
  /** Of events that are not kept, or that never came to be known of. */
  omittedBytes = 0;
  /** True when something before the next event is missing. */
  isAfterGap = false;

  omit(kind: StreamEvent["kind"], byteCount: number): void {
    if (kind !== "written") this.omittedBytes += byteCount;
  }

  /** What came up to there and is not known of is missing. */
  skipTo(bytes: number): void {
    if (bytes <= this.bytes) return;
    this.omittedBytes += bytes - this.bytes;
    this.takenBytes = this.bytes = bytes;
    this.isAfterGap = true;
  }
}
