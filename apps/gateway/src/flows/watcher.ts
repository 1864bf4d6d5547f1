/**
 * Those who watch one log: each a position in it that feeds the queue of one page [G-15].
 *
 * No frame waits for a watcher here. A page takes frames as fast as its machine does: some at a time, and the next ones when
 * few bytes wait for it. When the log has dropped what a watcher has not reached, the page gets the heads that it missed, a
 * `gap` for each flow of which bytes are gone, and goes on at the oldest frame. Watchers are fed a few milliseconds after a
 * frame came, so that the frames of a burst leave in one write.
 */

import { encodeFrame } from "@wirebook/protocol";
import type { FrameLog, LoggedFlow, LoggedFrame } from "./frame-log.ts";

/** Milliseconds for which frames are gathered, and after which a watcher that lags gets more. */
const gatherMs = 10;
const catchUpMs = 2;
/** What is fed takes a third of the time at most: other work has twice as long in between. */
const restShare = 2;
/** Frames, and bytes of them, that one watcher takes at once, and frames that all take before other work has a turn. */
const framesAtOnce = 512;
const bytesAtOnce = 32 * 1024;
const framesForAll = 2048;

/** Where the frames of a watcher go. */
export interface WatcherQueue {
  /** True when so few bytes wait that more may be sent. */
  readonly hasRoom: boolean;
  /** Sends frames in one write. */
  sendAll(frames: readonly LoggedFrame[]): void;
}

/** The watchers of one log. */
export class Watchers {
  readonly log: FrameLog;
  readonly #onGap: () => void;
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onGap called each time that a watcher was so slow that frames are missing */
  constructor(log: FrameLog, onGap: () => void) {
    this.log = log;
    this.#onGap = onGap;
    log.onAppend = () => this.wake();
  }

  /** How many watch. */
  get count(): number {
    return this.#watchers.size;
  }

  /**
   * Begins to watch, at the oldest frame or where a page had been before.
   *
   * @param from ignored when it is of another log
   */
  add(queue: WatcherQueue, from?: { readonly epoch: string; readonly position: number }): Watcher {
    const { epoch, nextAt } = this.log;
    const isKnown = from?.epoch === epoch && from.position <= nextAt;
    const watcher = new Watcher(this.log, queue, isKnown ? from.position : undefined, this.#onGap);
    this.#watchers.add(watcher);
    this.wake();
    return watcher;
  }

  /** Ends a watch. */
  remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  /** There are frames for somebody, or somebody has room for more. */
  wake(afterMs = gatherMs): void {
    if (this.#timer !== undefined || this.#watchers.size === 0) return;
    this.#timer = setTimeout(() => this.feed(), afterMs);
  }

  /** Gives each watcher some frames now. */
  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let sent = 0;
    let isMore = false;
    const startedMs = performance.now();
    const inTurn = [...this.#watchers];
    for (const watcher of inTurn) {
      if (sent >= framesForAll) {
        isMore = true;
        break;
      }
      const count = watcher.feed();
      sent += count;
      isMore ||= count > 0 && watcher.isBehind;
      // Whoever was served goes behind the others.
      if (count > 0 && this.#watchers.delete(watcher)) this.#watchers.add(watcher);
    }
    if (isMore) this.wake(Math.max(catchUpMs, (performance.now() - startedMs) * restShare));
  }
}

/** One who watches. */
export class Watcher {
  readonly #log: FrameLog;
  readonly #queue: WatcherQueue;
  readonly #onGap: () => void;
  #position: number;
  /** Positions between which frames are missing, while the page is being told what it missed. */
  #missed: { readonly from: number; readonly heads: Iterator<LoggedFlow> } | undefined;
  #isGreeted = false;

  /** @param position `undefined` for one who begins */
  constructor(log: FrameLog, queue: WatcherQueue, position: number | undefined, onGap: () => void) {
    this.#log = log;
    this.#queue = queue;
    this.#onGap = onGap;
    this.#position = position ?? log.firstAt;
    if (position === undefined && this.#position > 0) this.#missed = { from: 0, heads: log.flows() };
  }

  /** True while there is more for it. */
  get isBehind(): boolean {
    return this.#missed !== undefined || this.#position < this.#log.nextAt;
  }

  /** Sends some frames, if the queue has room for them; returns how many. */
  feed(): number {
    const log = this.#log;
    if (!this.#queue.hasRoom) return 0;
    if (this.#missed === undefined && this.#position < log.oldestAt) {
      this.#missed = { from: this.#position, heads: log.flows() };
      this.#position = log.oldestAt;
      this.#onGap();
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
    if (frames.length > 0) this.#queue.sendAll(frames);
    return frames.length;
  }

  /**
   * Heads that were in the missing frames, and how many bytes were. A flow that began behind them comes by itself. The page
   * keeps its position until it has been told of all: if it reconnects before, all comes again.
   */
  #takeMissed(frames: LoggedFrame[]): void {
    if (this.#missed === undefined) return;
    const { from, heads } = this.#missed;
    let bytes = 0;
    while (bytes < bytesAtOnce) {
      const { value: flow, done } = heads.next();
      if (done === true) {
        this.#missed = undefined;
        frames.push(this.#describeWatching());
        return;
      }
      if (flow.bornAt >= this.#position) continue;
      const { id, sentBytesGone: sentBytes, receivedBytesGone: receivedBytes } = flow;
      const texts: string[] = [];
      if (flow.headAt >= from) texts.push(flow.describeHead(from));
      if (flow.goneAt >= from) texts.push(encodeFrame({ type: "gap", id, position: from, sentBytes, receivedBytes }));
      for (const text of texts) bytes += text.length;
      frames.push(...texts);
    }
  }

  #describeWatching(position = this.#position): string {
    const flows = [...this.#log.flows()].map(({ id }) => id);
    return encodeFrame({ type: "watching", epoch: this.#log.epoch, position, flows });
  }
}
