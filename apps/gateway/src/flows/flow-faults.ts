/**
 * What a listening port does to one direction of a flow on purpose: it delays, slices, slows down, stops or breaks off.
 *
 * Bytes wait here in order, as many as the direction that owns this lets in. Where a time is drawn it only grows: jitter
 * never lets a later read overtake an earlier one, as on one TCP connection.
 */

import type { FlowFaults } from "@wirebook/protocol";
import type { FlowDirection } from "./flow-direction.ts";

/** Milliseconds between two slices: written at once, a reader would find them joined. */
const sliceGapMs = 1;
/** Milliseconds of a bandwidth that are written at once. */
const bandwidthStepMs = 10;

interface Held {
  /** `undefined` for a FIN. */
  bytes: Uint8Array | undefined;
  /** When it was read, and what latency adds. */
  readonly dueMs: number;
}

/** Nothing is done. Told by its identity, since each read asks. */
export const noFaults: FlowFaults = Object.freeze({});

/** The same faults, or `noFaults` where nothing is done. */
export function toFaults(faults: FlowFaults): FlowFaults {
  return Object.values(faults).some((value) => value !== undefined && value !== false) ? faults : noFaults;
}

/** The bytes of one direction that wait. */
export class FaultQueue {
  readonly #owner: FlowDirection;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #passedBytes: number;
  #lastDueMs = 0;
  /** When the next bytes may leave, by the bandwidth or the gap between slices. */
  #nextMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param passedBytes of this direction before there was a fault */
  constructor(owner: FlowDirection, passedBytes: number) {
    this.#owner = owner;
    this.#passedBytes = passedBytes;
  }

  /** Bytes that wait. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** True when neither bytes nor a FIN wait. */
  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Takes bytes, which must not change, or `undefined` for a FIN. */
  push(bytes: Uint8Array | undefined, atMs: number): void {
    const { latencyMs = 0, jitterMs = 0 } = this.#owner.faults;
    this.#lastDueMs = Math.max(this.#lastDueMs, atMs + latencyMs + Math.random() * jitterMs);
    this.#held.push({ bytes, dueMs: this.#lastDueMs });
    this.#heldBytes += bytes?.length ?? 0;
    this.run();
  }

  /** Passes on what may leave now: called when the faults change, too, and when there is room again. */
  run(): void {
    clearTimeout(this.#timer);
    while (!this.#isOver && !this.#owner.faults.isStalled) {
      if (this.#isAtBreak()) return;
      const [next] = this.#held;
      if (next === undefined) return;
      const waitMs = this.#waitOf(next) - performance.now();
      if (waitMs > 0) return void (this.#timer = setTimeout(() => this.run(), Math.ceil(waitMs)));
      if (!this.#pass(next)) return;
    }
  }

  /** Drops what waits. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #waitOf({ dueMs }: Held): number {
    const { latencyMs, jitterMs, sliceBytes, bytesPerSecond } = this.#owner.faults;
    const lateMs = latencyMs === undefined && jitterMs === undefined ? 0 : dueMs;
    const pacedMs = sliceBytes === undefined && bytesPerSecond === undefined ? 0 : this.#nextMs;
    return Math.max(lateMs, pacedMs);
  }

  /** Passes on a part of the first one; false when there is no room for more. */
  #pass(next: Held): boolean {
    if (next.bytes === undefined) {
      this.#held.shift();
      this.#owner.sendFin();
      return true;
    }
    const { bytes } = next;
    const { sliceBytes, bytesPerSecond } = this.#owner.faults;
    const pacedBytes = bytesPerSecond && Math.ceil((bytesPerSecond * bandwidthStepMs) / 1000);
    const length = Math.min(
      bytes.length,
      sliceBytes ?? Infinity,
      pacedBytes ?? Infinity,
      this.#breakAfter - this.#passedBytes,
    );
    if (length === bytes.length) this.#held.shift();
    else next.bytes = bytes.subarray(length);
    this.#heldBytes -= length;
    this.#passedBytes += length;
    const pacedMs = bytesPerSecond === undefined ? 0 : (length * 1000) / bytesPerSecond;
    const gapMs = sliceBytes === undefined ? 0 : sliceGapMs;
    this.#nextMs = Math.max(this.#nextMs, performance.now()) + Math.max(pacedMs, gapMs);
    return this.#owner.send(bytes.subarray(0, length));
  }

  get #breakAfter(): number {
    const { resetAfterBytes = Infinity, finAfterBytes = Infinity } = this.#owner.faults;
    return Math.min(resetAfterBytes, finAfterBytes);
  }

  #isAtBreak(): boolean {
    if (this.#passedBytes < this.#breakAfter) return false;
    this.stop();
    this.#owner.breakOff(this.#owner.faults.resetAfterBytes === this.#breakAfter ? "rst" : "fin");
    return true;
  }
}
