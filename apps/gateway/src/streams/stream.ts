/**
 * One stream to a target, from its request to its outcome [G-5]: an exchange, a conversation, or a relay. What its client
 * writes while it waits for a connection counts as unsent. The client is told once how it ended, and nothing after it.
 */

import { StreamCapture } from "@wirebook/capture";
import { Connection, type ConnectionListener, type ConnectionOutcome, type Target } from "@wirebook/net";
import { countsOnly, StreamRecord } from "@wirebook/protocol";
import type { EndReason, FrameErrorCode, ReadRate, ScheduleStep } from "@wirebook/protocol";
import type { ConnectionShared, WebSocketConnection } from "../websocket/connection.ts";
import type { SlotUser } from "./connection-pool.ts";

export interface StreamRequest {
  readonly id: number;
  readonly target: Target;
  readonly message: Uint8Array;
  /** True to send FIN behind the message. */
  readonly isEnded: boolean;
  /** True when it lives until it is closed; false for an exchange, which ends with the target's FIN or its silence. */
  readonly isConversation: boolean;
  /** True for an exchange whose reply may be silent for any time. */
  readonly isFollow: boolean;
  readonly schedule?: readonly ScheduleStep[] | undefined;
  readonly read?: ReadRate | undefined;
  readonly receivedMs: number;
  /** What it is, as the metrics count it: an operation's number, `none`, `other` for an unknown one, `connect`, `relay`. */
  readonly operation: string;
  /** What the log may show of the message: without a key. */
  readonly shown: string;
}

/** How a stream ended, as its client is told. */
export type StreamEnd = { readonly reason: EndReason } | { readonly code: FrameErrorCode; readonly message: string };

/** The reason or the code of an outcome, for log and metrics; a stream that has none yet is being cancelled. */
export function outcomeOf(outcome: StreamEnd | undefined): EndReason | FrameErrorCode {
  if (outcome === undefined) return "cancelled";
  return "reason" in outcome ? outcome.reason : outcome.code;
}

/** What a capture needs of a record: it writes each event down at once. */
const newestEvent = { firstEventsKept: 0, lastEventsKept: 1, bytesKept: Infinity };

export class Stream implements SlotUser, ConnectionListener {
  readonly request: StreamRequest;
  readonly owner: WebSocketConnection;
  /** Its connection, which may be written to and left before it has a place. */
  readonly connection: Connection;
  /** Its steps and counts; events are kept for a capture alone. */
  readonly record: StreamRecord;
  outcome: StreamEnd | undefined;
  #target: Target;
  readonly #shared: ConnectionShared;
  readonly #captured: StreamCapture | undefined;
  readonly #proxyHeader: Uint8Array | undefined;
  #isStalled = false;
  #isStopped = false;

  constructor(request: StreamRequest, owner: WebSocketConnection, shared: ConnectionShared) {
    const { target, message, isEnded, isConversation, isFollow, schedule, read } = request;
    const { limits, capture } = shared;
    const { connectTimeoutMs, replyTimeoutMs, halfOpenMs } = limits;
    this.request = request;
    this.owner = owner;
    this.#target = target;
    this.#shared = shared;
    this.#proxyHeader = target.proxy === undefined ? undefined : owner.client.proxyHeader;
    this.record = new StreamRecord(capture === undefined ? countsOnly : newestEvent);
    this.record.mark("received", request.receivedMs);
    if (capture !== undefined) {
      const { transport } = target.address;
      const options = { originMs: performance.timeOrigin, transport, hasKeys: target.name === "wirebook" };
      this.#captured = new StreamCapture(capture, options);
    }
    const options = {
      record: this.record,
      message,
      proxyHeader: this.#proxyHeader,
      schedule,
      read,
      connectTimeoutMs,
      replyTimeoutMs: isConversation ? undefined : isFollow ? Infinity : replyTimeoutMs,
      halfOpenMs,
      isReadBorrowed: capture === undefined,
    };
    this.connection = new Connection(target, options, this);
    if (isEnded) this.connection.end();
  }

  get id(): number {
    return this.request.id;
  }

  /** True while it waits for a connection and has nothing to send: a client that leaves misses nothing. */
  get isUnused(): boolean {
    return this.record.at.connecting === undefined && this.connection.unsentBytes === 0;
  }

  /** Enters the queue for a connection; `target` is given where its port is known only now [G-17]. */
  start(target: Target = this.request.target): void {
    this.#target = target;
    this.#shared.pool.enter(this);
  }

  write(bytes: Uint8Array): void {
    this.connection.write(bytes);
    this.#checkStall();
  }

  /** Ends it because the gateway stops: its client has not left, and is told so. */
  stop(): void {
    this.#isStopped = true;
    this.connection.cancel();
  }

  onSlot(): void {
    this.connection.connect(this.#target);
    if (this.owner.queue.isFull) this.connection.pause();
  }

  onBusy(message: string): void {
    this.#finish({ code: "busy", message }, this.#shared.limits.retryBusyMs);
  }

  onOpen(): void {
    this.#captured?.open(this.record, this.#proxyHeader);
    this.owner.onOpen(this);
  }

  onWritten(byteCount: number, atMs: number): void {
    this.#captured?.note(this.record);
    this.owner.onWritten(this, byteCount, atMs);
    if (this.#isStalled) this.#checkStall();
  }

  onRead(bytes: Uint8Array, atMs: number): void {
    this.#captured?.note(this.record);
    this.owner.onRead(this, bytes, atMs);
  }

  onFin(isFromTarget: boolean, atMs: number): void {
    this.#captured?.note(this.record);
    this.owner.onFin(this, isFromTarget, atMs);
  }

  onOver(outcome: ConnectionOutcome): void {
    if (!this.#isStopped) return this.#finish(outcome);
    const message = "the gateway stopped; connect again in a moment";
    this.#finish({ code: "shutting-down", message }, this.#shared.limits.retryStoppedMs);
  }

  onInternalError(error: unknown): void {
    this.owner.onInternalError(error);
  }

  #finish(outcome: StreamEnd, retryAfterMs?: number): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.owner.onOver(this, outcome, retryAfterMs);
    this.#captured?.over(outcome, this.record);
    this.#shared.pool.leave(this);
    this.#checkStall();
  }

  #checkStall(): void {
    const isStalled = this.outcome === undefined && this.connection.unsentCost > this.#shared.limits.unsentBytesMax;
    if (isStalled === this.#isStalled) return;
    this.#isStalled = isStalled;
    this.owner.onStalled(isStalled);
  }
}
