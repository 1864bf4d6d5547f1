import type { Endpoint, Step, StepTimes } from "@wirebook/protocol";
import { timedChunksMax, timedWritesMax } from "@wirebook/protocol";

/** What an exchange remembers of itself. Times are milliseconds of `performance.now()`. */
export class Trace {
  readonly at: StepTimes = {};
  /** Time and size of each chunk, in order; at most `timedChunksMax`. */
  readonly chunks: [atMs: number, bytes: number][] = [];
  /** Chunks that came after those. */
  untimedChunks = 0;
  /** Time and size of each write, when the kernel had taken it; at most `timedWritesMax`. */
  readonly writes: [atMs: number, bytes: number][] = [];
  /** Writes that came after those. */
  untimedWrites = 0;
  /** Bytes that the kernel has taken to send. */
  sentBytes = 0;
  receivedBytes = 0;
  local: Endpoint | undefined;
  remote: Endpoint | undefined;

  /** Notes the first time that a step happens. */
  mark(step: Step, atMs: number = performance.now()): void {
    this.at[step] ??= atMs;
  }

  /** Notes that the kernel took a write. */
  markWrite(bytes: number): void {
    const atMs = performance.now();
    this.sentBytes += bytes;
    if (this.writes.length < timedWritesMax) this.writes.push([atMs, bytes]);
    else this.untimedWrites += 1;
  }

  /** Notes a chunk. */
  markChunk(bytes: number): void {
    const atMs = performance.now();
    this.mark("firstByte", atMs);
    this.receivedBytes += bytes;
    if (this.chunks.length < timedChunksMax) this.chunks.push([atMs, bytes]);
    else this.untimedChunks += 1;
  }
}
