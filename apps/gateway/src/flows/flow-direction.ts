/**
 * One direction of a flow: reads from one leg, writes to the other, and logs what it saw [G-15].
 *
 * What the kernel takes at once has left when it was read. What it does not take waits in the sink: the source is not read
 * until it has gone, so TCP's own window slows the sender down.
 */

import type { Socket } from "node:net";
import type { FlowFaults } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import type { Flow } from "./flow.ts";
import { FaultQueue, noFaults } from "./flow-faults.ts";

const noBytes = new Uint8Array(0);

/** One direction. */
export class FlowDirection {
  readonly #flow: Flow;
  readonly #isFromTarget: boolean;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #limits: Pick<GatewayLimits, "highWaterBytes" | "lowWaterBytes">;
  readonly #onTaken = (error?: Error | null): void => this.#noteTaken(error);
  /** Bytes that the sink has not taken: those before the mark, and those behind it. */
  #markedBytes = 0;
  #unmarkedBytes = 0;
  #queue: FaultQueue | undefined;
  #isEnded = false;

  constructor(
    flow: Flow,
    isFromTarget: boolean,
    [source, sink]: readonly [source: Socket, sink: Socket],
    limits: Pick<GatewayLimits, "highWaterBytes" | "lowWaterBytes">,
  ) {
    this.#flow = flow;
    this.#isFromTarget = isFromTarget;
    this.#source = source;
    this.#sink = sink;
    this.#limits = limits;
    sink.on("drain", () => {
      this.#queue?.run();
      this.#readOn();
    });
    source.on("end", () => this.#end());
  }

  get faults(): FlowFaults {
    return this.#flow.faults;
  }

  /** Passes on what one read gave. The bytes must not change any more. */
  pass(bytes: Uint8Array): void {
    try {
      if (!this.#isEnded) this.#pass(bytes);
    } catch (error) {
      this.#flow.onInternalError(error);
    }
  }

  #pass(bytes: Uint8Array): void {
    const atMs = performance.now();
    if (this.#isHeld) return this.#hold(bytes, atMs);
    this.#queue = undefined;
    const isFree = this.#sink.write(bytes);
    const isWaiting = this.#sink.writableLength > 0;
    // The other end works meanwhile.
    this.#flow.logged.read(this.#isFromTarget, bytes, atMs, isWaiting);
    if (isWaiting) this.#awaitTaken(bytes.length);
    if (!isFree) this.#source.pause();
  }

  /** The faults of the port have changed. */
  faultsChanged(): void {
    if (!this.#isEnded && this.#isHeld) this.#ensureQueue().run();
  }

  /** A source that is not read tells nothing of its end: an empty write meets the reset, if there was one. */
  probe(): void {
    if (!this.#isEnded && this.#source.isPaused() && this.#source.writable) this.#source.write(noBytes);
  }

  /** Nothing is passed on any more. */
  stop(): void {
    this.#isEnded = true;
    this.#queue?.stop();
  }

  /** Passes on what was held; false when no further ones may come until the queue is run again. */
  send(bytes: Uint8Array): boolean {
    const isFree = this.#sink.write(bytes);
    if (this.#sink.writableLength > 0) this.#awaitTaken(bytes.length);
    else this.#flow.logged.written(this.#isFromTarget, bytes.length, performance.now());
    this.#readOn();
    return isFree;
  }

  sendFin(): void {
    this.#isEnded = true;
    this.#sink.end((error?: Error | null) => {
      if (error) return;
      this.#flow.logged.closed("fin", this.#isFromTarget ? "client" : "target", this.#isFromTarget, performance.now());
      this.#flow.onFin(this.#isFromTarget);
    });
  }

  /** A fault ends the flow. */
  breakOff(how: "rst" | "fin"): void {
    // What was to come before it must have left.
    if (this.#sink.writableLength === 0) this.#flow.breakOff(how);
    else this.#sink.write(noBytes, () => this.#flow.breakOff(how));
  }

  #end(): void {
    if (this.#isEnded) return;
    const atMs = performance.now();
    this.#flow.logged.closed("fin", this.#isFromTarget ? "target" : "client", this.#isFromTarget, atMs);
    if (this.#isHeld) this.#ensureQueue().push(undefined, atMs);
    else this.sendFin();
  }

  /** True when bytes must wait, for a fault or for others that wait. */
  get #isHeld(): boolean {
    return this.#flow.faults !== noFaults || this.#queue?.isEmpty === false;
  }

  #ensureQueue(): FaultQueue {
    const { logged } = this.#flow;
    return (this.#queue ??= new FaultQueue(this, this.#isFromTarget ? logged.receivedBytes : logged.sentBytes));
  }

  #hold(bytes: Uint8Array, atMs: number): void {
    const queue = this.#ensureQueue();
    this.#flow.logged.read(this.#isFromTarget, bytes, atMs, true);
    queue.push(bytes, atMs);
    if (queue.heldBytes > this.#limits.highWaterBytes) this.#source.pause();
  }

  /** An empty write comes back when all that was written before it has been taken. */
  #awaitTaken(byteCount: number): void {
    this.#unmarkedBytes += byteCount;
    if (this.#markedBytes > 0) return;
    this.#markedBytes = this.#unmarkedBytes;
    this.#unmarkedBytes = 0;
    this.#sink.write(noBytes, this.#onTaken);
  }

  #noteTaken(error: Error | null | undefined): void {
    if (error) return;
    this.#flow.logged.written(this.#isFromTarget, this.#markedBytes, performance.now());
    this.#markedBytes = 0;
    if (this.#unmarkedBytes > 0) this.#awaitTaken(0);
  }

  /** The source is read again once there is room. */
  #readOn(): void {
    if (this.#isEnded || this.#sink.writableNeedDrain || !this.#source.isPaused()) return;
    if ((this.#queue?.heldBytes ?? 0) <= this.#limits.lowWaterBytes) this.#source.resume();
  }
}
