/**
 * One direction of a flow: reads from one leg, writes to the other, does what the faults of the port say, and logs it [G-15].
 *
 * What the kernel does not take at once waits in the sink: the source is not read until it has gone, so TCP's own window slows
 * the sender down. Under a fault bytes wait here, as few, and in order: jitter lets no read overtake an earlier one.
 */

import type { Socket } from "node:net";
import type { FlowFaults } from "@wirebook/protocol";
import type { Flow } from "./flow.ts";

const noBytes = new Uint8Array(0);
/** Milliseconds between two slices: written at once, a reader would find them joined. */
const sliceGapMs = 1;
/** Milliseconds of a bandwidth that are written at once. */
const bandwidthStepMs = 10;

/** Nothing is done. Told by its identity, since each read asks. */
export const noFaults: FlowFaults = Object.freeze({});

interface Held {
  /** `undefined` for a FIN. */
  bytes: Uint8Array | undefined;
  /** When it was read, and what latency adds. */
  readonly dueMs: number;
}

export class FlowDirection {
  readonly #flow: Flow;
  readonly #isFromTarget: boolean;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #passedBytes = 0;
  /** When the next held bytes may leave, by the bandwidth or the gap between slices. */
  #nextMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(flow: Flow, isFromTarget: boolean, source: Socket, sink: Socket) {
    this.#flow = flow;
    this.#isFromTarget = isFromTarget;
    this.#source = source;
    this.#sink = sink;
    sink.on("drain", () => {
      this.run();
      this.#readOn();
    });
    source.on("end", () => this.#end());
  }

  /** Passes on what one read gave. The bytes must not change any more. */
  pass(bytes: Uint8Array): void {
    try {
      if (!this.#isOver) this.#pass(bytes);
    } catch (error) {
      this.#flow.onInternalError(error);
    }
  }

  #pass(bytes: Uint8Array): void {
    const atMs = performance.now();
    if (this.#isHeld) return this.#hold(bytes, atMs);
    const isFree = this.#sink.write(bytes);
    const isWaiting = this.#sink.writableLength > 0;
    this.#passedBytes += bytes.length;
    // The other end works meanwhile.
    this.#flow.logged.read(this.#isFromTarget, bytes, atMs, isWaiting);
    if (isWaiting) this.#noteWritten(bytes.length);
    if (!isFree) this.#source.pause();
  }

  /** A source that is not read tells nothing of its end: an empty write meets the reset, if there was one. */
  probe(): void {
    if (!this.#isOver && this.#source.isPaused() && this.#source.writable) this.#source.write(noBytes);
  }

  /** Passes on what may leave now: called when the faults change, too, and when there is room again. */
  run(): void {
    clearTimeout(this.#timer);
    while (!this.#isOver) {
      const { isStalled, resetAfterBytes = Infinity, finAfterBytes = Infinity } = this.#flow.port.faults;
      if (isStalled === true) return;
      const left = Math.min(resetAfterBytes, finAfterBytes) - this.#passedBytes;
      if (left <= 0) return this.#breakOff(resetAfterBytes <= finAfterBytes ? "rst" : "fin");
      const [next] = this.#held;
      if (next === undefined) return;
      const waitMs = this.#waitOf(next) - performance.now();
      if (waitMs > 0) return void (this.#timer = setTimeout(() => this.run(), Math.ceil(waitMs)));
      if (!this.#release(next, left)) return;
    }
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  get #isHeld(): boolean {
    return this.#flow.port.faults !== noFaults || this.#held.length > 0;
  }

  #hold(bytes: Uint8Array, atMs: number): void {
    this.#flow.logged.read(this.#isFromTarget, bytes, atMs, true);
    this.#heldBytes += bytes.length;
    this.#push(bytes, atMs);
    if (this.#heldBytes > this.#flow.limits.highWaterBytes) this.#source.pause();
  }

  #push(bytes: Uint8Array | undefined, atMs: number): void {
    const { latencyMs = 0, jitterMs = 0 } = this.#flow.port.faults;
    this.#held.push({ bytes, dueMs: atMs + latencyMs + Math.random() * jitterMs });
    this.run();
  }

  #waitOf({ dueMs }: Held): number {
    const { latencyMs, jitterMs, sliceBytes, bytesPerSecond } = this.#flow.port.faults;
    const isLate = (latencyMs ?? jitterMs) !== undefined;
    const isPaced = (sliceBytes ?? bytesPerSecond) !== undefined;
    return Math.max(isLate ? dueMs : 0, isPaced ? this.#nextMs : 0);
  }

  /** Passes on as much of the first held bytes as the faults let through; false when there is no room for more. */
  #release(next: Held, bytesMax: number): boolean {
    const { bytes } = next;
    if (bytes === undefined) {
      this.#sendFin();
      return true;
    }
    const { sliceBytes = Infinity, bytesPerSecond = Infinity } = this.#flow.port.faults;
    const pacedBytes = Math.ceil((bytesPerSecond * bandwidthStepMs) / 1000);
    const length = Math.min(bytes.length, sliceBytes, pacedBytes, bytesMax);
    if (length === bytes.length) this.#held.shift();
    else next.bytes = bytes.subarray(length);
    this.#heldBytes -= length;
    this.#passedBytes += length;
    const gapMs = Math.max((length * 1000) / bytesPerSecond, sliceBytes === Infinity ? 0 : sliceGapMs);
    this.#nextMs = Math.max(this.#nextMs, performance.now()) + gapMs;
    const isFree = this.#sink.write(bytes.subarray(0, length));
    this.#noteWritten(length);
    this.#readOn();
    return isFree;
  }

  #end(): void {
    if (this.#isOver) return;
    const atMs = performance.now();
    this.#flow.logged.closed("fin", this.#isFromTarget ? "target" : "client", this.#isFromTarget, atMs);
    if (this.#isHeld) this.#push(undefined, atMs);
    else this.#sendFin();
  }

  #sendFin(): void {
    this.stop();
    this.#sink.end((error?: Error | null) => {
      if (error) return;
      const leg = this.#isFromTarget ? "client" : "target";
      this.#flow.logged.closed("fin", leg, this.#isFromTarget, performance.now());
      this.#flow.onFin(this.#isFromTarget);
    });
  }

  /** A fault ends the flow, once what was to come before has left. */
  #breakOff(how: "rst" | "fin"): void {
    this.stop();
    if (this.#sink.writableLength === 0) this.#flow.breakOff(how);
    else this.#sink.write(noBytes, () => this.#flow.breakOff(how));
  }

  /** Logs that bytes were written, once they are: an empty write comes back when all that was written before was taken. */
  #noteWritten(byteCount: number): void {
    const note = (error?: Error | null): void => {
      if (!error) this.#flow.logged.written(this.#isFromTarget, byteCount, performance.now());
    };
    if (this.#sink.writableLength === 0) note();
    else this.#sink.write(noBytes, note);
  }

  #readOn(): void {
    if (this.#isOver || this.#sink.writableNeedDrain || !this.#source.isPaused()) return;
    if (this.#heldBytes <= this.#flow.limits.lowWaterBytes) this.#source.resume();
  }
}
