import { Deadline } from "./deadline.ts";

/** What an exchange waits for. */
export type Awaited = "connection" | "reply";

/** How long an exchange waits: for its connection in all, then for each next byte of the reply. */
export class Timeouts {
  readonly #replyTimeoutMs: number;
  readonly #deadline: Deadline;
  #awaited: Awaited = "connection";
  #isHeld = false;

  /**
   * Begins with the wait for the connection.
   *
   * @param connectTimeoutMs at most 2,147,483,647, as `setTimeout` has it
   * @param replyTimeoutMs the same, or `Infinity`
   */
  constructor(connectTimeoutMs: number, replyTimeoutMs: number, onTimeout: (awaited: Awaited) => void) {
    this.#replyTimeoutMs = replyTimeoutMs;
    this.#deadline = new Deadline(() => onTimeout(this.#awaited));
    this.#deadline.set(connectTimeoutMs);
  }

  /** The connection is established. */
  connected(): void {
    this.#awaited = "reply";
    if (this.#isHeld) this.#deadline.clear();
    else this.#deadline.set(this.#replyTimeoutMs);
  }

  /** A byte came, or the server owes none yet. */
  touch(): void {
    if (this.#awaited === "reply") this.#deadline.refresh();
  }

  /** Nothing is read: the time for the reply stands still. */
  hold(): void {
    this.#isHeld = true;
    if (this.#awaited === "reply") this.#deadline.clear();
  }

  /** Reading goes on, and the time for the reply begins anew. */
  resume(): void {
    this.#isHeld = false;
    if (this.#awaited === "reply") this.#deadline.set(this.#replyTimeoutMs);
  }

  stop(): void {
    this.#deadline.clear();
  }
}
