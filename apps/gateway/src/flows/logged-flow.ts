/**
 * One flow in a log. It has two legs: client–gateway and gateway–target. A read is noted on the leg on which it came; when the
 * other leg did not take it at once, `written` says when it did. Keys of flows to the target `wirebook` are masked here [W-9],
 * and so in everything that is shown or exported; what is passed on is never touched.
 */

import { ExchangeMask } from "@wirebook/capture";
import { encodeByteFrame, redactKeys } from "@wirebook/protocol";
import type { ByteFrameHeader, FlowHead, PageFrame, StepTimes } from "@wirebook/protocol";
import type { StreamEnd } from "../streams/stream.ts";
import { hopOf } from "../websocket/page-frames.ts";
import type { FrameLog } from "./frame-log.ts";

const noBytes = new Uint8Array(0);

type Shown = Extract<PageFrame, { type: "shown" }>;

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
    const masked = isFromTarget ? this.#mask?.pushReceived(bytes) : this.#mask?.pushSent(bytes);
    this.#note({ kind: "data", leg, isFromTarget, isWaiting, atMs }, masked ?? bytes);
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
  end({ outcome, ...rest }: Omit<Shown, "type" | "id">): void {
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
