/** The flows that a page watches, made from the gateway's frames as docs/reference/gateway-frames.md says [G-15]. */

import { decodeByteFrame, decodeGatewayFrame, flowIdMin, StreamRecord } from "@wirebook/protocol";
import type { ByteFrame, GatewayFrame, RecordBounds } from "@wirebook/protocol";

type FlowFrame = Extract<GatewayFrame, { type: "flow" }>;

const everything: RecordBounds = { firstEventsKept: Infinity, lastEventsKept: 0, bytesKept: Infinity };

/** One flow. */
export interface WatchedFlow {
  head: FlowFrame;
  readonly record: StreamRecord;
  last: Extract<GatewayFrame, { type: "end" | "error" }> | undefined;
  /** True when its end is not known: the gateway keeps it no longer. */
  isLost: boolean;
  /** True when frames of it are missing. */
  hasGap: boolean;
}

/** All flows. */
export class WatchedFlows {
  readonly flows = new Map<number, WatchedFlow>();
  epoch: string | undefined;
  /** Of the next frame. */
  position = 0;
  gapCount = 0;
  /** What is kept of flows whose heads come from now on. */
  bounds = everything;

  /** The flow whose head came as the nth. */
  at(index: number): WatchedFlow | undefined {
    return [...this.flows.values()][index];
  }

  /** Takes any message of the gateway. */
  take(message: Uint8Array | string): void {
    if (typeof message !== "string") {
      const frame = decodeByteFrame(message);
      if (typeof frame === "string") throw new Error(frame);
      if (frame.id >= flowIdMin) this.takeBytes(frame);
      return;
    }
    const decoded = decodeGatewayFrame(message);
    if ("problem" in decoded) throw new Error(`${decoded.problem}: ${message}`);
    this.takeFrame(decoded.frame);
  }

  takeFrame(frame: GatewayFrame): void {
    if (frame.type === "watching") this.#resync(frame);
    if (frame.type === "flow") this.#takeHead(frame);
    if (frame.type === "gap") {
      this.gapCount += 1;
      const flow = this.flows.get(frame.id);
      flow?.record.missed(frame.sentBytes, frame.receivedBytes);
      if (flow !== undefined) flow.hasGap = true;
    }
    const isEnd = (frame.type === "end" || frame.type === "error") && frame.id !== null && frame.id >= flowIdMin;
    if (isEnd) {
      const flow = this.flows.get(frame.id as number);
      if (flow?.isLost === false) flow.last = frame;
    }
    if ("position" in frame && frame.position !== undefined) {
      if (frame.position < this.position) throw new Error(`position ${frame.position} comes after ${this.position}`);
      this.position = frame.position;
    }
  }

  takeBytes({ id, kind, leg, isFromTarget, isAfterGap, isWaiting = false, atMs, ...body }: ByteFrame): void {
    this.position += 1;
    const flow = this.flows.get(id);
    // Frames of a flow that the gateway has forgotten may still come, without word of those that are missing.
    const record = flow?.isLost === true ? undefined : flow?.record;
    const options = { leg, isAfterGap, isWaiting };
    if (kind === "fin" || kind === "rst") record?.ended(kind, isFromTarget, atMs, options);
    else if (kind === "written") record?.taken(body.writtenBytes, isFromTarget, atMs, options);
    else if (isFromTarget) record?.read(Uint8Array.from(body.bytes), atMs, options);
    else record?.wrote(Uint8Array.from(body.bytes), atMs, options);
  }

  #resync({ epoch, position, flows }: Extract<GatewayFrame, { type: "watching" }>): void {
    if (epoch !== this.epoch) this.flows.clear();
    if (epoch !== this.epoch) this.position = position;
    this.epoch = epoch;
    const kept = new Set(flows);
    for (const [id, flow] of this.flows) if (flow.last === undefined && !kept.has(id)) flow.isLost = true;
  }

  #takeHead(head: FlowFrame): void {
    const flow = this.flows.get(head.id);
    if (flow === undefined && head.isChange !== true) {
      const record = new StreamRecord(this.bounds);
      this.flows.set(head.id, { head, record, last: undefined, isLost: false, hasGap: false });
    } else if (flow !== undefined) flow.head = head;
  }
}
