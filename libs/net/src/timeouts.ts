import { Deadlines } from "./deadlines.ts";
import type { Expiring } from "./deadlines.ts";

/** Of all exchanges of this process: a timer for each of them cost its share of every collection of garbage. */
const deadlines = new Deadlines();

/** What an exchange waits for. */
export type Awaited = "connection" | "reply";

/** How long an exchange waits: for its connection in all, then for each next byte of the reply. */
export class Timeouts implements Expiring {
  readonly #replyTimeoutMs: number;
  readonly #onTimeout: (awaited: Awaited) => void;
  #awaited: Awaited = "connection";
  #sinceMs = performance.now();
  #timeoutMs: number;
  #isHeld = false;

  /**
   * Begins with the wait for the connection.
   *
   * @param connectTimeoutMs at most 2,147,483,647, as `setTimeout` has it
   * @param replyTimeoutMs the same, or `Infinity`
   * @param onTimeout may be called again unless `stop` is
   */
  constructor(connectTimeoutMs: number, replyTimeoutMs: number, onTimeout: (awaited: Awaited) => void) {
    this.#timeoutMs = connectTimeoutMs;
    this.#replyTimeoutMs = replyTimeoutMs;
    this.#onTimeout = onTimeout;
    deadlines.add(this);
  }

  get dueMs(): number {
    return this.#isHeld && this.#awaited === "reply" ? Infinity : this.#sinceMs + this.#timeoutMs;
  }

  /** The connection stands. */
  connected(nowMs: number): void {
    this.#awaited = "reply";
    this.#timeoutMs = this.#replyTimeoutMs;
    this.touch(nowMs);
    deadlines.notice(this.dueMs);
  }

  /** A byte came, or none is owed yet. */
  touch(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  /** Nothing is read: the clock of the reply stands still. */
  hold(): void {
    this.#isHeld = true;
  }

  /** It begins anew. */
  resume(): void {
    this.#isHeld = false;
    if (this.#awaited === "reply") this.touch(performance.now());
    deadlines.notice(this.dueMs);
  }

  stop(): void {
    deadlines.delete(this);
  }

  expire(): void {
    this.#onTimeout(this.#awaited);
  }
}
