import type { Endpoint, Step, StepTimes } from "@wirebook/protocol";
import { timedChunksMax } from "@wirebook/protocol";

/** What an exchange remembers of itself. Times are milliseconds of `performance.now()`. */
export class Trace {
  readonly at: StepTimes = {};
  /** Time and size of each chunk, in order; at most `timedChunksMax`. */
  readonly chunks: [atMs: number, bytes: number][] = [];
  /** Chunks that came after those. */
  untimedChunks = 0;
  /** Bytes that the kernel has taken to send. */
  sentBytes = 0;
  receivedBytes = 0;
  local: Endpoint | undefined;
  remote: Endpoint | undefined;

  /** Notes the first time that a step happens and returns that time. */
  mark(step: Step, atMs: number = performance.now()): number {
    return (this.at[step] ??= atMs);
  }

  /** Notes a chunk and returns its time. */
  markChunk(bytes: number): number {
    const atMs = performance.now();
    this.mark("firstByte", atMs);
    this.receivedBytes += bytes;
    if (this.chunks.length < timedChunksMax) this.chunks.push([atMs, bytes]);
    else this.untimedChunks += 1;
    return atMs;
  }
}
