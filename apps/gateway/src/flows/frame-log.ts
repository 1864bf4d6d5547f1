/**
 * What is watched, as one bounded log of frames that are already encoded as pages get them, and who watches it [G-15].
 *
 * What happens to a flow is encoded once, and every viewer is sent that one copy. A frame has a position, which counts up.
 * When the log is full, its oldest frames go. What is known of a flow besides them (its head, how many of its bytes are gone)
 * is kept for a bounded number of flows, and goes with the last frame of a flow that is over.
 *
 * A viewer is a position in the log, and nothing waits for one: it gets some frames at a time, while few bytes wait for it.
 * When the log has dropped what it has not reached, it gets the heads that it missed, a `gap` for each flow of which bytes are
 * gone, and goes on at the oldest frame.
 */

import { randomBytes } from "node:crypto";
import { ExchangeMask } from "@wirebook/capture";
import { encodeByteFrame, encodeFrame, flowIdMin, redactKeys } from "@wirebook/protocol";
import type { ByteFrameHeader, FlowHead, PageFrame, StepTimes } from "@wirebook/protocol";
import type { StreamEnd } from "../streams/stream.ts";
import { hopOf } from "../websocket/page-frames.ts";

/** What a frame costs in memory besides its bytes, so that many small ones are not taken for few bytes. */
const frameCostBytes = 256;

/** Frames are cut from memory of the log's own: in Node's pool, a small one would keep what was cut from beside it. */
const slabBytes = 256 * 1024;

const epochBytes = 9;

/** Milliseconds for which frames are gathered, and after which a watcher that lags gets more. */
const gatherMs = 10;
const catchUpMs = 2;
/** What is fed takes a third of the time at most: other work has twice as long in between. */
const restShare = 2;
/** Frames, and bytes of them, that one watcher takes at once, and frames that all take before other work has a turn. */
const framesAtOnce = 512;
const bytesAtOnce = 32 * 1024;
const framesForAll = 2048;

const noBytes = new Uint8Array(0);

export type LoggedFrame = string | Buffer;

interface Entry {
  readonly frame: LoggedFrame;
  readonly flow: LoggedFlow;
  /** Bytes of the flow up to this frame. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface Viewer {
  /** Has room while so few bytes wait for it that more may be sent. */
  readonly queue: { readonly hasRoom: boolean; sendAll(frames: readonly LoggedFrame[]): void };
  onEnd?(log: FrameLog): void;
}

export class FrameLog {
  /** A frame that viewers get besides, each time that it has changed. */
  state: string | undefined;
  /** Positions count within it: another log has another one. */
  readonly epoch = randomBytes(epochBytes).toString("base64url");
  readonly #bytesMax: number;
  readonly #flowsMax: number;
  readonly onGap: () => void;
  /** Those before the oldest are gone, and are cut off in lumps: shifting each would move all others. */
  #entries: Entry[] = [];
  #oldest = 0;
  /** Position of the first entry. */
  #entriesAt = 0;
  #bytesKept = 0;
  #slab = Buffer.alloc(0);
  readonly #flows = new Map<number, LoggedFlow>();
  #flowNumber = 0;
  readonly #watches = new Map<Viewer, Watch>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onGap called each time that a viewer was so slow that frames are missing */
  constructor(bytesMax: number, flowsMax: number, onGap: () => void) {
    this.#bytesMax = bytesMax;
    this.#flowsMax = flowsMax;
    this.onGap = onGap;
  }

  /** The oldest frame that is kept, or the next one. */
  get oldestAt(): number {
    return this.#entriesAt + this.#oldest;
  }

  get nextAt(): number {
    return this.#entriesAt + this.#entries.length;
  }

  /** Where a latecomer begins: at the first frame of the oldest flow that is kept. */
  get firstAt(): number {
    const oldest = this.#flows.values().next().value;
    return Math.max(this.oldestAt, oldest?.bornAt ?? this.nextAt);
  }

  get bytesKept(): number {
    return this.#bytesKept;
  }

  /** Flows whose heads are kept, oldest first. They may come and go while a caller walks them. */
  flows(): IterableIterator<LoggedFlow> {
    return this.#flows.values();
  }

  begin(head: FlowHead): LoggedFlow {
    const flow = new LoggedFlow(this, flowIdMin + (++this.#flowNumber % flowIdMin), head);
    this.#flows.set(flow.id, flow);
    if (this.#flows.size > this.#flowsMax) {
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
    for (let at = position - this.#entriesAt; frames.length < framesMax && bytes < bytesMax; at++) {
      const entry = this.#entries[at];
      if (entry === undefined) break;
      frames.push(entry.frame);
      bytes += entry.frame.length;
    }
    return frames;
  }

  append(flow: LoggedFlow, frame: LoggedFrame): void {
    const { sentBytes, receivedBytes } = flow;
    flow.lastAt = this.nextAt;
    this.#entries.push({ frame, flow, sentBytes, receivedBytes });
    this.#bytesKept += frame.length + frameCostBytes;
    while (this.#bytesKept > this.#bytesMax && this.oldestAt < this.nextAt) this.#dropOldest();
    this.wake();
  }

  allocate(length: number): Buffer {
    if (length > this.#slab.length) this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, length));
    const memory = this.#slab.subarray(0, length);
    this.#slab = this.#slab.subarray(length);
    return memory;
  }

  #dropOldest(): void {
    const { frame, flow, sentBytes, receivedBytes } = this.#entries[this.#oldest] as Entry;
    flow.gone = { at: this.oldestAt, sentBytes, receivedBytes };
    if (flow.isOver && flow.lastAt === flow.gone.at) this.#flows.delete(flow.id);
    this.#bytesKept -= frame.length + frameCostBytes;
    this.#oldest += 1;
    if (this.#oldest * 2 <= this.#entries.length) return;
    this.#entriesAt += this.#oldest;
    this.#entries = this.#entries.slice(this.#oldest);
    this.#oldest = 0;
  }

  get viewers(): readonly Viewer[] {
    return [...this.#watches.keys()];
  }

  /** @param from where the page had been before, ignored when it is of another log */
  watch(viewer: Viewer, from?: { readonly epoch: string; readonly position: number }): void {
    const isKnown = from?.epoch === this.epoch && from.position <= this.nextAt;
    this.#watches.set(viewer, new Watch(this, viewer, isKnown ? from.position : undefined));
    this.wake();
  }

  unwatch(viewer: Viewer): void {
    this.#watches.delete(viewer);
  }

  wake(afterMs = gatherMs): void {
    if (this.#timer !== undefined || this.#watches.size === 0) return;
    this.#timer = setTimeout(() => this.feed(), afterMs);
  }

  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let sent = 0;
    let isMore = false;
    const startedMs = performance.now();
    const inTurn = [...this.#watches];
    for (const [viewer, watch] of inTurn) {
      if (sent >= framesForAll) {
        isMore = true;
        break;
      }
      const count = watch.feed();
      sent += count;
      isMore ||= count > 0 && watch.isBehind;
      // Whoever was served goes behind the others.
      if (count > 0 && this.#watches.delete(viewer)) this.#watches.set(viewer, watch);
    }
    if (isMore) this.wake(Math.max(catchUpMs, (performance.now() - startedMs) * restShare));
  }
}

/** How far one viewer has come. */
class Watch {
  readonly #log: FrameLog;
  readonly #viewer: Viewer;
  #position: number;
  /** Where the missing frames began, and whose heads are still to be told, while the page is told what it missed. */
  #missed: { readonly from: number; readonly heads: Iterator<LoggedFlow> } | undefined;
  #isGreeted = false;
  #state: string | undefined;

  /** @param position `undefined` for one who begins */
  constructor(log: FrameLog, viewer: Viewer, position: number | undefined) {
    this.#log = log;
    this.#viewer = viewer;
    this.#position = position ?? log.firstAt;
    if (position === undefined && this.#position > 0) this.#missed = { from: 0, heads: log.flows() };
  }

  get isBehind(): boolean {
    return this.#missed !== undefined || this.#position < this.#log.nextAt;
  }

  /** Sends some frames, if there is room for them; returns how many. */
  feed(): number {
    const log = this.#log;
    if (!this.#viewer.queue.hasRoom) return 0;
    if (this.#missed === undefined && this.#position < log.oldestAt) {
      this.#missed = { from: this.#position, heads: log.flows() };
      this.#position = log.oldestAt;
      log.onGap();
    }
    const frames: LoggedFrame[] = [];
    if (!this.#isGreeted) frames.push(this.#describeWatching(this.#missed?.from));
    this.#isGreeted = true;
    this.#takeMissed(frames);
    if (this.#missed === undefined && this.#position >= log.oldestAt) {
      const next = log.read(this.#position, framesAtOnce, bytesAtOnce);
      this.#position += next.length;
      frames.push(...next);
    }
    const { state } = log;
    if (state !== undefined && state !== this.#state) frames.push(state);
    this.#state = state;
    if (frames.length > 0) this.#viewer.queue.sendAll(frames);
    return frames.length;
  }

  /**
   * Heads that were in the missing frames, and how many bytes were. A flow that began behind them comes by itself. The page
   * keeps its position until it has been told of all: if it reconnects before, all comes again.
   */
  #takeMissed(frames: LoggedFrame[]): void {
    if (this.#missed === undefined) return;
    const { from, heads } = this.#missed;
    for (let bytes = 0; bytes < bytesAtOnce;) {
      const { value: flow, done } = heads.next();
      if (done === true) {
        this.#missed = undefined;
        frames.push(this.#describeWatching());
        return;
      }
      if (flow.bornAt >= this.#position) continue;
      const { id, gone } = flow;
      const { at, ...totals } = gone;
      const texts: string[] = [];
      if (flow.headAt >= from) texts.push(flow.describeHead(from));
      if (at >= from) texts.push(encodeFrame({ type: "gap", id, position: from, ...totals }));
      for (const text of texts) bytes += text.length;
      frames.push(...texts);
    }
  }

  #describeWatching(position = this.#position): string {
    const flows = [...this.#log.flows()].map(({ id }) => id);
    return encodeFrame({ type: "watching", epoch: this.#log.epoch, position, flows });
  }
}

/**
 * One flow in a log. It has two legs: client–gateway and gateway–target. A read is noted on the leg on which it came; when the
 * other leg did not take it at once, `written` says when it did. Keys of flows to the target `wirebook` are masked here [W-9],
 * and so in everything that is shown or exported; what is passed on is never touched.
 */
export class LoggedFlow {
  /** With the top bit set. */
  readonly id: number;
  /** Positions of its first frame, its newest head and its last frame. */
  readonly bornAt: number;
  headAt: number;
  lastAt: number;
  /** Its last frame that is gone (-1: none is), and how many of its bytes are. */
  gone = { at: -1, sentBytes: 0, receivedBytes: 0 };
  /** Bytes of its data frames so far. */
  sentBytes = 0;
  receivedBytes = 0;
  isOver = false;
  readonly #log: FrameLog;
  readonly #mask: ExchangeMask | undefined;
  #head: FlowHead;

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

  change(head: FlowHead): void {
    this.#head = head;
    this.headAt = this.#log.nextAt;
    this.#log.append(this, this.describeHead(this.headAt + 1, true));
  }

  /** One read, whose bytes are only lent; `isWaiting` when the other leg did not take them at once: `written` follows. */
  read(isFromTarget: boolean, bytes: Uint8Array, atMs: number, isWaiting: boolean): void {
    const leg = isFromTarget ? "target" : "client";
    const masked = this.#mask?.push(isFromTarget, bytes) ?? bytes;
    this.#note({ kind: "data", leg, isFromTarget, isWaiting, atMs }, masked);
  }

  written(isFromTarget: boolean, byteCount: number, atMs: number): void {
    this.#note({ kind: "written", leg: isFromTarget ? "client" : "target", isFromTarget, atMs }, byteCount);
  }

  closed(kind: "fin" | "rst", leg: ByteFrameHeader["leg"], isFromTarget: boolean, atMs: number): void {
    this.#note({ kind, leg, isFromTarget, atMs }, noBytes);
  }

  /** It is over, and nothing of it follows. */
  over(outcome: StreamEnd, at: StepTimes): void {
    const { sentBytes, receivedBytes } = this;
    if ("reason" in outcome) return this.end({ outcome, at, sentBytes, receivedBytes });
    const { code, message } = outcome;
    const failure = { code, hop: hopOf(code), message: redactKeys(message) };
    this.end({ outcome: failure, at, sentBytes, receivedBytes });
  }

  /** As `over`, for whoever knows how many bytes there were. */
  end({ outcome, ...rest }: Omit<Extract<PageFrame, { type: "shown" }>, "type" | "id">): void {
    this.isOver = true;
    const type = "reason" in outcome ? "end" : "error";
    this.#log.append(this, JSON.stringify({ type, id: this.id, position: this.#log.nextAt + 1, ...outcome, ...rest }));
  }

  /** Appends a byte frame as it is, with a copy of its bytes, or how many were `written`. */
  append(header: ByteFrameHeader, body: Uint8Array | number): void {
    if (typeof body !== "number") this[header.isFromTarget ? "receivedBytes" : "sentBytes"] += body.length;
    const frame = encodeByteFrame(header, body, (length) => this.#log.allocate(length));
    this.#log.append(this, frame);
  }

  #note(header: Omit<ByteFrameHeader, "id" | "isAfterGap" | "queuedKiB">, body: Uint8Array | number): void {
    this.append({ ...header, isAfterGap: false, queuedKiB: 0, id: this.id }, body);
  }
}
