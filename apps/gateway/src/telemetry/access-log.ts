import type { MistakeOwner } from "../streams/guarded-listener.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Stream } from "../streams/stream.ts";

interface Entry {
  /** The gateway's number for the WebSocket. */
  readonly socket: number;
  readonly stream: Stream;
  readonly owner: MistakeOwner;
}

/** The books of a gateway: each exchange that is over comes into its metrics and its log. */
export class AccessLog {
  readonly #metrics: Metrics;
  readonly #log: Log;
  #entries: Entry[] = [];

  constructor(metrics: Metrics, log: Log) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Its bytes count at once; the rest is written once the frames of this turn have left, for which the page waits. */
  enter(socket: number, stream: Stream, owner: MistakeOwner): void {
    this.#metrics.carried(stream.trace);
    if (this.#entries.length === 0) setImmediate(() => this.#write());
    this.#entries.push({ socket, stream, owner });
  }

  #write(): void {
    const entries = this.#entries;
    this.#entries = [];
    for (const { socket, stream, owner } of entries) {
      try {
        this.#metrics.exchange(stream);
        this.#log.exchange(socket, stream);
      } catch (mistake) {
        owner.onInternalError(mistake);
      }
    }
  }
}
