/**
 * What is watched, as one bounded log of frames that are already encoded as pages get them [G-15].
 *
 * The log is both the store and the wire format: what happens to a flow is encoded once, and every watcher is sent that one
 * copy. A frame has a position, which counts up; a watcher is a position in the log, and nothing waits for one. When the
 * log is full, its oldest frames go. What is known of a flow besides its frames (its head, and how many of its bytes are
 * gone) is kept for a bounded number of flows, and goes with the last frame of a flow that is over.
 */

import { randomBytes } from "node:crypto";
import { ExchangeMask } from "@wirebook/capture";
import { encodeByteFrame, flowIdMin, redactKeys } from "@wirebook/protocol";
import type { ByteFrameHeader, ByteFrameKind, FlowHead, PageFrame, StepTimes } from "@wirebook/protocol";
import type { StreamEnd } from "../streams/stream.ts";
import { hopOf } from "../websocket/page-frames.ts";

/** What a frame costs in memory besides its bytes, so that many small ones are not taken for few bytes. */
const frameCostBytes = 256;

/**
 * Frames are cut from memory of the log's own, in pieces of this size. In Node's pool, a small frame that is kept would keep
 * what was cut from beside it.
 */
const slabBytes = 256 * 1024;

const epochBytes = 9;
const noBytes = new Uint8Array(0);

/** A frame as it is sent: text, or bytes. */
export type LoggedFrame = string | Buffer;

interface Entry {
  readonly frame: LoggedFrame;
  readonly flow: LoggedFlow;
  /** Bytes of the flow up to this frame. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What a log may hold. */
export interface FrameLogOptions {
  readonly bytesMax: number;
  /** Flows whose heads are kept. */
  readonly flowsMax: number;
}

/** A bounded log of frames. */
export class FrameLog {
  /** Positions count within it: another log has another one. */
  readonly epoch = randomBytes(epochBytes).toString("base64url");
  /** Called after each append. */
  onAppend: (() => void) | undefined;
  readonly #options: FrameLogOptions;
  /** Those before the oldest are gone, and are cut off in lumps: shifting each would move all others. */
  #entries: Entry[] = [];
  #oldest = 0;
  /** Position of the first entry. */
  #firstAt = 0;
  #bytesKept = 0;
  #slab = Buffer.alloc(0);
  readonly #flows = new Map<number, LoggedFlow>();
  #flowNumber = 0;

  constructor(options: FrameLogOptions) {
    this.#options = options;
  }

  /** Position of the oldest frame that is kept, or of the next one. */
  get oldestAt(): number {
    return this.#firstAt + this.#oldest;
  }

  /** Position of the next frame. */
  get nextAt(): number {
    return this.#firstAt + this.#entries.length;
  }

  /** Bytes of the frames that are kept, with what each of them costs. */
  get bytesKept(): number {
    return this.#bytesKept;
  }

  /** Flows whose heads are kept, oldest first. They may come and go while a caller walks them. */
  flows(): IterableIterator<LoggedFlow> {
    return this.#flows.values();
  }

  /** Where a latecomer begins: at the first frame of the oldest flow that is kept. */
  get firstAt(): number {
    const oldest = this.#flows.values().next().value;
    return Math.max(this.oldestAt, oldest?.bornAt ?? this.nextAt);
  }

  /** Begins a flow. */
  begin(head: FlowHead): LoggedFlow {
    const flow = new LoggedFlow(this, flowIdMin + (++this.#flowNumber % flowIdMin), head);
    this.#flows.set(flow.id, flow);
    if (this.#flows.size > this.#options.flowsMax) {
      const oldest = this.#flows.values().find(({ isOver }) => isOver) ?? this.#flows.values().next().value;
      // Its frames stay.
      this.#flows.delete(oldest?.id as number);
    }
    this.append(flow, flow.describeHead(this.nextAt + 1));
    return flow;
  }

  /** The next frames from a position on, which must be neither before `oldestAt` nor behind `nextAt`. */
  read(position: number, framesMax: number, bytesMax: number): LoggedFrame[] {
    const frames: LoggedFrame[] = [];
    let bytes = 0;
    for (let at = position - this.#firstAt; frames.length < framesMax && bytes < bytesMax; at++) {
      const entry = this.#entries[at];
      if (entry === undefined) break;
      frames.push(entry.frame);
      bytes += entry.frame.length;
    }
    return frames;
  }

  /** Appends a frame of a flow. */
  append(flow: LoggedFlow, frame: LoggedFrame): void {
    const { sentBytes, receivedBytes } = flow;
    this.#entries.push({ frame, flow, sentBytes, receivedBytes });
    flow.lastAt = this.nextAt - 1;
    this.#bytesKept += frame.length + frameCostBytes;
    while (this.#bytesKept > this.#options.bytesMax && this.oldestAt < this.nextAt) this.#dropOldest();
    this.onAppend?.();
  }

  /** Memory for a frame. */
  allocate(length: number): Buffer {
    if (length > this.#slab.length) this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, length));
    const memory = this.#slab.subarray(0, length);
    this.#slab = this.#slab.subarray(length);
    return memory;
  }

  #dropOldest(): void {
    const { frame, flow, sentBytes, receivedBytes } = this.#entries[this.#oldest] as Entry;
    flow.goneAt = this.oldestAt;
    flow.sentBytesGone = sentBytes;
    flow.receivedBytesGone = receivedBytes;
    if (flow.isOver && flow.lastAt === flow.goneAt) this.#flows.delete(flow.id);
    this.#bytesKept -= frame.length + frameCostBytes;
    this.#oldest += 1;
    if (this.#oldest * 2 <= this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#oldest);
    this.#firstAt += this.#oldest;
    this.#oldest = 0;
  }
}

type Leg = ByteFrameHeader["leg"];

/** How a flow ended, as an `end` or an `error` frame has it. */
export type FlowEnd = Extract<PageFrame, { type: "shown" }>["outcome"] & {
  readonly at: StepTimes;
  readonly sentBytes: number;
  readonly receivedBytes: number;
};

/**
 * One flow in a log, and what happens to it.
 *
 * A flow has two legs: client–gateway and gateway–target. A read is noted once, on the leg on which it came. When the other leg took
 * it at once, nothing follows; when it had to wait, `written` says when it was taken. Keys of flows to the target `wirebook`
 * are masked here [W-9], and so in everything that is shown or exported; what is passed on is never touched.
 */
export class LoggedFlow {
  /** With the top bit set. */
  readonly id: number;
  /** Positions of its first frame, its newest head, its last frame, and its last frame that is gone (-1: none is). */
  readonly bornAt: number;
  headAt: number;
  lastAt: number;
  goneAt = -1;
  /** Bytes of its data frames so far, and of those that are gone. */
  sentBytes = 0;
  receivedBytes = 0;
  sentBytesGone = 0;
  receivedBytesGone = 0;
  isOver = false;
  readonly #log: FrameLog;
  readonly #mask: ExchangeMask | undefined;
  #head: FlowHead;

  /** For `FrameLog.begin`. */
  constructor(log: FrameLog, id: number, head: FlowHead) {
    this.#log = log;
    this.#head = head;
    this.id = id;
    this.bornAt = this.headAt = this.lastAt = log.nextAt;
    this.#mask = head.target.name === "wirebook" ? new ExchangeMask() : undefined;
  }

  /** The frame with its head, for a page that has it (`isChange`) or need not have it. */
  describeHead(position: number, isChange?: true): string {
    return JSON.stringify({ type: "flow", id: this.id, position, isChange, ...this.#head });
  }

  /** More is known of the flow than when it began. */
  change(head: FlowHead): void {
    this.#head = head;
    this.headAt = this.#log.nextAt;
    this.#log.append(this, this.describeHead(this.headAt + 1, true));
  }

  /**
   * One read of the client's leg or, `isFromTarget`, of the target's.
   *
   * @param bytes which are only lent
   * @param isWaiting true when the other leg did not take them at once: `written` follows
   */
  read(isFromTarget: boolean, bytes: Uint8Array, atMs: number, isWaiting: boolean): void {
    this.#note(
      "data",
      isFromTarget ? "target" : "client",
      isFromTarget,
      atMs,
      this.#masked(isFromTarget, bytes),
      isWaiting,
    );
  }

  /** The other leg took so many bytes that had waited. */
  written(isFromTarget: boolean, byteCount: number, atMs: number): void {
    this.#note("written", isFromTarget ? "client" : "target", isFromTarget, atMs, byteCount);
  }

  /** FIN, or RST, was seen or sent on a leg. */
  closed(kind: "fin" | "rst", leg: Leg, isFromTarget: boolean, atMs: number): void {
    this.#note(kind, leg, isFromTarget, atMs, noBytes);
  }

  /** It is over, and nothing of it follows. */
  over(outcome: StreamEnd, at: StepTimes): void {
    const { sentBytes, receivedBytes } = this;
    const how =
      "reason" in outcome ? outcome : { ...outcome, hop: hopOf(outcome.code), message: redactKeys(outcome.message) };
    this.end({ ...how, at, sentBytes, receivedBytes });
  }

  /** As `over`, for whoever knows how many bytes there were. */
  end(end: FlowEnd): void {
    this.isOver = true;
    const type = "reason" in end ? "end" : "error";
    this.#log.append(this, JSON.stringify({ type, id: this.id, position: this.#log.nextAt + 1, ...end }));
  }

  /**
   * Appends a byte frame as it is.
   *
   * @param body the bytes of `data`, which are copied, or how many were `written`; else nothing
   */
  append(header: ByteFrameHeader, body: Uint8Array | number): void {
    if (header.kind === "data")
      this[header.isFromTarget ? "receivedBytes" : "sentBytes"] += (body as Uint8Array).length;
    this.#log.append(
      this,
      encodeByteFrame(header, body, (length) => this.#log.allocate(length)),
    );
  }

  #masked(isFromTarget: boolean, bytes: Uint8Array): Uint8Array {
    if (this.#mask === undefined) return bytes;
    return isFromTarget ? this.#mask.pushReceived(bytes) : this.#mask.pushSent(bytes);
  }

  #note(
    kind: ByteFrameKind,
    leg: Leg,
    isFromTarget: boolean,
    atMs: number,
    body: Uint8Array | number,
    isWaiting = false,
  ): void {
    const { id } = this;
    this.append({ kind, leg, isFromTarget, isAfterGap: false, isWaiting, queuedKiB: 0, id, atMs }, body);
  }
}
