import type { MistakeOwner } from "./guarded-listener.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Relay } from "./relay.ts";

interface Entry {
  /** The gateway's number for the WebSocket. */
  readonly socket: number;
  readonly relay: Relay;
  readonly owner: MistakeOwner;
}

/** The books of a gateway: each exchange that is over comes into its metrics and its log. */
export class Books {
  readonly #metrics: Metrics;
  readonly #log: Log;
  #entries: Entry[] = [];

  constructor(metrics: Metrics, log: Log) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Its bytes count at once; the rest is written once the frames of this turn have left, for which the page waits. */
  enter(socket: number, relay: Relay, owner: MistakeOwner): void {
    this.#metrics.carried(relay.trace);
    if (this.#entries.length === 0) setImmediate(() => this.#write());
    this.#entries.push({ socket, relay, owner });
  }

  #write(): void {
    const entries = this.#entries;
    this.#entries = [];
    for (const { socket, relay, owner } of entries) {
      try {
        this.#metrics.exchange(relay);
        this.#log.exchange(socket, relay);
      } catch (mistake) {
        owner.onMistake(mistake);
      }
    }
  }
}
