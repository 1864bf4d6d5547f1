/**
 * Writes down what one flow does, as the frames of a log [G-15].
 *
 * A flow has two legs: client–gateway and gateway–target. A read is noted once, on the leg on which it came. When the other leg took
 * it at once, nothing follows; when it had to wait, `written` says when it was taken. Keys of flows to the target `wirebook`
 * are masked here [W-9], and so in everything that is shown or exported; what is passed on is never touched.
 */

import { ExchangeMask } from "@wirebook/capture";
import { redactKeys } from "@wirebook/protocol";
import type { ByteFrameHeader, ByteFrameKind, FlowHead, PageFrame, StepTimes } from "@wirebook/protocol";
import type { StreamEnd } from "../streams/stream.ts";
import { hopOf } from "../websocket/page-frames.ts";
import type { FrameLog, LoggedFlow } from "./frame-log.ts";

type Leg = ByteFrameHeader["leg"];

const noBytes = new Uint8Array(0);

/** Records one flow. */
export class FlowRecorder {
  readonly #log: FrameLog;
  readonly #flow: LoggedFlow;
  readonly #mask: ExchangeMask | undefined;
  /** One for all frames: an object for each read would cost as much as its copy. */
  readonly #header: { -readonly [Name in keyof ByteFrameHeader]: ByteFrameHeader[Name] };

  /** Opens a flow in a log. */
  constructor(log: FrameLog, head: FlowHead) {
    this.#log = log;
    this.#mask = head.target.name === "wirebook" ? new ExchangeMask() : undefined;
    this.#flow = log.begin(JSON.stringify(head));
    this.#header = {
      kind: "data",
      leg: "client",
      isFromTarget: false,
      isAfterGap: false,
      isWaiting: false,
      queuedKiB: 0,
      id: this.#flow.id,
      atMs: 0,
    };
  }

  /** Its id, with the top bit set. */
  get id(): number {
    return this.#flow.id;
  }

  /** More is known of the flow than when it was opened. */
  changed(head: FlowHead): void {
    this.#log.changeHead(this.#flow, JSON.stringify(head));
  }

  /**
   * One read of the client's leg or, `isFromTarget`, of the target's.
   *
   * @param bytes which are only lent
   * @param isWaiting true when the other leg did not take them at once: `written` follows
   */
  read(isFromTarget: boolean, bytes: Uint8Array, atMs: number, isWaiting: boolean): void {
    this.#header.isWaiting = isWaiting;
    this.#append("data", isFromTarget ? "target" : "client", isFromTarget, atMs, this.#masked(isFromTarget, bytes));
    this.#header.isWaiting = false;
  }

  /** The other leg took so many bytes that had waited. */
  written(isFromTarget: boolean, byteCount: number, atMs: number): void {
    this.#append("written", isFromTarget ? "client" : "target", isFromTarget, atMs, byteCount);
  }

  /** FIN was seen or sent on a leg. */
  fin(leg: Leg, isFromTarget: boolean, atMs: number): void {
    this.#append("fin", leg, isFromTarget, atMs, noBytes);
  }

  /** RST was seen or sent on a leg. */
  rst(leg: Leg, isFromTarget: boolean, atMs: number): void {
    this.#append("rst", leg, isFromTarget, atMs, noBytes);
  }

  /** It is over, and nothing of it follows. */
  over(outcome: StreamEnd, at: StepTimes): void {
    const { sentBytes, receivedBytes } = this.#flow;
    const how =
      "reason" in outcome ? outcome : { ...outcome, hop: hopOf[outcome.code], message: redactKeys(outcome.message) };
    endFlow(this.#log, this.#flow, { ...how, at, sentBytes, receivedBytes });
  }

  #masked(isFromTarget: boolean, bytes: Uint8Array): Uint8Array {
    if (this.#mask === undefined) return bytes;
    return (isFromTarget ? this.#mask.pushReceived(bytes) : this.#mask.pushSent(bytes)).bytes;
  }

  #append(kind: ByteFrameKind, leg: Leg, isFromTarget: boolean, atMs: number, body: Uint8Array | number): void {
    const header = this.#header;
    header.kind = kind;
    header.leg = leg;
    header.isFromTarget = isFromTarget;
    header.atMs = atMs;
    this.#log.append(this.#flow, header, body);
  }
}

/** How a flow ended, as an `end` or an `error` frame has it. */
export type FlowEnd = Extract<PageFrame, { type: "shown" }>["outcome"] & {
  readonly at: StepTimes;
  readonly sentBytes: number;
  readonly receivedBytes: number;
};

/** Writes the last frame of a flow. */
export function endFlow(log: FrameLog, flow: LoggedFlow, end: FlowEnd): void {
  const type = "reason" in end ? "end" : "error";
  log.end(flow, (position) => JSON.stringify({ type, id: flow.id, position, ...end }));
}
