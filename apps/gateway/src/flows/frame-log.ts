/**
 * What is watched, as one bounded log of frames that are already encoded as pages get them [G-15].
 *
 * The log is both the store and the wire format. A frame has a position, which counts up; a watcher is a cursor on the log,
 * and nothing waits for one. The log is a row of blocks. Each frame in a block is its length, whose top bit marks text, and
 * its bytes; so an append is one copy and makes no object. When all blocks are full, the oldest one goes, and its memory
 * becomes the newest. Nothing outside has a view of that memory: `read` copies.
 *
 * What is known of a flow besides its frames (its head, and how many of its bytes are gone) is beside the log, for a bounded
 * number of flows. It goes with the last frame of a flow that is over.
 */

import { randomBytes } from "node:crypto";
import { byteFrameHeaderBytes, flowIdMin, writeByteFrameHeader } from "@wirebook/protocol";
import type { ByteFrameHeader } from "@wirebook/protocol";

/** Bytes of a block, unless the log is so small that it would have too few. */
const blockBytesMax = 1024 * 1024;
const blocksMin = 8;
/** Bytes before each frame: a u32, of which the top bit marks text. */
const lengthBytes = 4;
const textBit = 0x8000_0000;
const epochBytes = 9;

/** What the log knows of a flow. */
export interface LoggedFlow {
  readonly id: number;
  /** The head's JSON, without its type and position. */
  head: string;
  /** Positions of its first frame, of its newest head, and of its last frame that is gone (-1: none is). */
  readonly bornAt: number;
  headAt: number;
  goneAt: number;
  /** Bytes of its data frames so far, and of those that are gone. */
  sentBytes: number;
  receivedBytes: number;
  sentBytesGone: number;
  receivedBytesGone: number;
  isOver: boolean;
  /** Its share of the newest block that has a frame of it. */
  share: Share | undefined;
}

/** What one block has of one flow. */
interface Share {
  readonly block: Block;
  readonly flow: LoggedFlow;
  /** Bytes of its data frames up to the end of its share. */
  sentBytes: number;
  receivedBytes: number;
}

interface Block {
  readonly memory: Buffer;
  readonly view: DataView;
  readonly firstAt: number;
  usedBytes: number;
  frameCount: number;
  readonly shares: Share[];
}

/** A place in the log. */
export interface Cursor {
  /** Of the next frame. */
  position: number;
  /** Where that frame is; looked for when absent. */
  block?: Block | undefined;
  offset?: number;
}

/** A frame as it is sent. */
export interface LoggedFrame {
  readonly bytes: Buffer;
  readonly isText: boolean;
}

/** What a log may hold. */
export interface FrameLogOptions {
  /** Bytes of all blocks. */
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
  readonly #blockBytes: number;
  readonly #blocksMax: number;
  readonly #flowsMax: number;
  /** Oldest first. */
  readonly #blocks: Block[] = [];
  readonly #flows = new Map<number, LoggedFlow>();
  #flowNumber = 0;
  #nextAt = 0;

  constructor({ bytesMax, flowsMax }: FrameLogOptions) {
    this.#blockBytes = Math.min(blockBytesMax, Math.floor(bytesMax / blocksMin));
    this.#blocksMax = Math.floor(bytesMax / this.#blockBytes);
    this.#flowsMax = flowsMax;
  }

  /** Position of the oldest frame that is kept, or of the next one. */
  get oldestAt(): number {
    return this.#blocks[0]?.firstAt ?? this.#nextAt;
  }

  /** Position of the next frame. */
  get nextAt(): number {
    return this.#nextAt;
  }

  /** Bytes of the frames that are kept. */
  get bytesKept(): number {
    return this.#blocks.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  }

  /** Flows whose heads are kept, oldest first. They may come and go while a caller walks them. */
  flows(): IterableIterator<LoggedFlow> {
    return this.#flows.values();
  }

  /** Where a latecomer begins: at the first frame of the oldest flow that is kept. */
  get firstAt(): number {
    const oldest = this.#flows.values().next().value;
    return Math.max(this.oldestAt, oldest?.bornAt ?? this.#nextAt);
  }

  /**
   * Begins a flow.
   *
   * @param head JSON of an object that is not empty
   */
  begin(head: string): LoggedFlow {
    const id = flowIdMin + (++this.#flowNumber % flowIdMin);
    const flow: LoggedFlow = {
      id,
      head,
      bornAt: this.#nextAt,
      headAt: this.#nextAt,
      goneAt: -1,
      sentBytes: 0,
      receivedBytes: 0,
      sentBytesGone: 0,
      receivedBytesGone: 0,
      isOver: false,
      share: undefined,
    };
    this.#flows.set(id, flow);
    this.#keepFewFlows();
    this.#appendText(flow, describeHead(flow, this.#nextAt + 1));
    return flow;
  }

  /** The head of a flow has changed. */
  changeHead(flow: LoggedFlow, head: string): void {
    flow.head = head;
    flow.headAt = this.#nextAt;
    this.#appendText(flow, describeHead(flow, this.#nextAt + 1, "change"));
  }

  /**
   * Ends a flow, after which nothing of it may come.
   *
   * @param describe gives the JSON of the last frame, which says the position behind it
   */
  end(flow: LoggedFlow, describe: (position: number) => string): void {
    flow.isOver = true;
    this.#appendText(flow, describe(this.#nextAt + 1));
  }

  /**
   * Appends a byte frame.
   *
   * @param body the bytes of `data`, which are copied, or how many were `written`; else nothing
   */
  append(flow: LoggedFlow, header: ByteFrameHeader, body: Uint8Array | number): void {
    const bodyBytes = typeof body === "number" ? lengthBytes : body.length;
    const length = byteFrameHeaderBytes + bodyBytes;
    const share = this.#shareOf(flow, length);
    const { memory, view, usedBytes } = share.block;
    const at = usedBytes + lengthBytes;
    view.setUint32(usedBytes, length);
    writeByteFrameHeader(view, at, header);
    if (typeof body === "number") view.setUint32(at + byteFrameHeaderBytes, body);
    else memory.set(body, at + byteFrameHeaderBytes);
    if (header.kind === "data") this.#count(flow, share, header.isFromTarget, bodyBytes);
    this.#added(share.block, length);
  }

  /**
   * Copies the next frames, and moves the cursor behind them. The cursor must be neither before `oldestAt` nor behind `nextAt`.
   *
   * @param bytesMax after which no further frame is taken
   */
  read(cursor: Cursor, framesMax: number, bytesMax: number): LoggedFrame[] {
    const frames: LoggedFrame[] = [];
    if (cursor.position === this.#nextAt) return frames;
    let block = this.#seek(cursor);
    let offset = cursor.offset as number;
    if (offset === block.usedBytes) {
      block = this.#blocks[this.#blocks.indexOf(block) + 1] as Block;
      offset = 0;
    }
    let end = offset;
    const lengths: number[] = [];
    while (end < block.usedBytes && lengths.length < framesMax && end - offset < bytesMax) {
      const length = block.view.getUint32(end);
      lengths.push(length);
      end += lengthBytes + (length & ~textBit);
    }
    const copy = Buffer.from(block.memory.subarray(offset, end));
    let at = 0;
    for (const length of lengths) {
      at += lengthBytes;
      const bytes = copy.subarray(at, (at += length & ~textBit));
      frames.push({ bytes, isText: length >= textBit });
    }
    cursor.position += frames.length;
    cursor.block = block;
    cursor.offset = end;
    return frames;
  }

  /** Appends a text frame, which must say the position behind it. */
  #appendText(flow: LoggedFlow, text: string): void {
    const length = Buffer.byteLength(text);
    const { block } = this.#shareOf(flow, length);
    block.view.setUint32(block.usedBytes, textBit + length);
    block.memory.write(text, block.usedBytes + lengthBytes);
    this.#added(block, length);
  }

  /** The block of a cursor; its offset is set, too. */
  #seek(cursor: Cursor): Block {
    if (cursor.block !== undefined) return cursor.block;
    const { position } = cursor;
    const block = this.#blocks.findLast(({ firstAt }) => firstAt <= position) as Block;
    let offset = 0;
    for (let at = block.firstAt; at < position; at++) {
      offset += lengthBytes + (block.view.getUint32(offset) & ~textBit);
    }
    cursor.block = block;
    cursor.offset = offset;
    return block;
  }

  /** The share that the flow has of the newest block, which has space for a frame of that length. */
  #shareOf(flow: LoggedFlow, length: number): Share {
    const block = this.#blockFor(lengthBytes + length);
    if (flow.share?.block === block) return flow.share;
    flow.share = { block, flow, sentBytes: flow.sentBytes, receivedBytes: flow.receivedBytes };
    block.shares.push(flow.share);
    return flow.share;
  }

  #blockFor(bytes: number): Block {
    const newest = this.#blocks.at(-1);
    if (newest !== undefined && newest.usedBytes + bytes <= newest.memory.length) return newest;
    const free = this.#blocks.length === this.#blocksMax ? this.#dropOldest() : undefined;
    const memory =
      free !== undefined && free.length >= bytes ? free : Buffer.allocUnsafeSlow(Math.max(this.#blockBytes, bytes));
    const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
    const block = { memory, view, firstAt: this.#nextAt, usedBytes: 0, frameCount: 0, shares: [] };
    this.#blocks.push(block);
    return block;
  }

  /** Lets the oldest block go, and gives its memory. */
  #dropOldest(): Buffer {
    const { shares, memory, firstAt, frameCount } = this.#blocks.shift() as Block;
    for (const { flow, sentBytes, receivedBytes, block } of shares) {
      flow.goneAt = firstAt + frameCount - 1;
      flow.sentBytesGone = sentBytes;
      flow.receivedBytesGone = receivedBytes;
      if (flow.isOver && flow.share?.block === block) this.#flows.delete(flow.id);
    }
    return memory;
  }

  #count(flow: LoggedFlow, share: Share, isFromTarget: boolean, bytes: number): void {
    if (isFromTarget) share.receivedBytes = flow.receivedBytes += bytes;
    else share.sentBytes = flow.sentBytes += bytes;
  }

  #added(block: Block, length: number): void {
    block.usedBytes += lengthBytes + length;
    block.frameCount += 1;
    this.#nextAt += 1;
    this.onAppend?.();
  }

  /** Forgets the oldest flow that is over, or else the oldest one, when there are too many. Its frames stay. */
  #keepFewFlows(): void {
    if (this.#flows.size <= this.#flowsMax) return;
    const oldest = this.#flows.values().find(({ isOver }) => isOver) ?? this.#flows.values().next().value;
    this.#flows.delete(oldest?.id as number);
  }
}

/** The frame with the head of a flow, for a page that has it or, without `change`, need not have it. */
export function describeHead({ id, head }: LoggedFlow, position: number, change?: "change"): string {
  const isChange = change === undefined ? "" : `"isChange":true,`;
  return `{"type":"flow","id":${id},"position":${position},${isChange}${head.slice(1)}`;
}
