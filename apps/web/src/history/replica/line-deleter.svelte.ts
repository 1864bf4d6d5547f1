/**
 * Deletes lines from their rows. A line is meant by its time, not by its number: when somebody deletes a line above in the
 * same moment, the server refuses, since another line has that number now, and the one that was meant is asked for again
 * under its new number. When somebody was faster with this very line, that is said, and by whom.
 */

import { timestampOf } from "@wirebook/protocol";
import type { Operations } from "../../composer/operations.svelte.ts";
import type { Exchange } from "../../exchanges/exchange.svelte.ts";
import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import { explainDelete, refusalOf } from "../../exchanges/outcome.ts";
import type { DeleteProblem } from "../../exchanges/outcome.ts";
import { deleteAttemptsMax, deleteCatchUpMs } from "../../limits.ts";
import type { Bookmark } from "./history-replica.ts";
import type { History } from "./history.svelte.ts";

export class LineDeleter {
  /** What came of the last delete, when it was not carried out or nobody knows. */
  problem = $state.raw<DeleteProblem>();
  readonly #exchanges: Exchanges;
  readonly #operations: Operations;
  readonly #history: History;
  readonly #watch: (exchange: Exchange | undefined) => Promise<void>;

  /** @param watch sees an exchange of the user's to its end */
  constructor(
    exchanges: Exchanges,
    operations: Operations,
    history: History,
    watch: (exchange: Exchange | undefined) => Promise<void>,
  ) {
    this.#exchanges = exchanges;
    this.#operations = operations;
    this.#history = history;
    this.#watch = watch;
  }

  /** True when the server can be told which line is meant, and then deletes no other. */
  get isGuarded(): boolean {
    return this.#operations.offering("delete-line")?.parameters.some(({ name }) => name === "TIME") ?? false;
  }

  /** Deletes a line that was seen at a position. */
  async delete(user: string, position: number, line: string): Promise<void> {
    const head = timestampOf(line);
    const isGuarded = this.isGuarded && head !== "";
    this.problem = undefined;
    const mark = this.#history.current.mark(position);
    for (let attempt = 1; attempt <= deleteAttemptsMax; attempt++) {
      const at = String(mark.position);
      const exchange = await this.#ask(user, "delete-line", isGuarded ? [at, head] : [at]);
      this.problem = exchange && explainDelete(exchange);
      if (!isGuarded || exchange === undefined || refusalOf(exchange) === undefined) break;
      if (!(await this.#hasMoved(mark, Number(at)))) break;
      if (mark.isGone) {
        this.#sayWhoWasFaster(head);
        break;
      }
    }
    this.#history.current.unmark(mark);
  }

  /** Deletes all lines. */
  async deleteAll(user: string): Promise<void> {
    this.problem = undefined;
    const exchange = await this.#ask(user, "delete-all", []);
    this.problem = exchange && explainDelete(exchange);
  }

  async #ask(user: string, verb: "delete-line" | "delete-all", values: string[]): Promise<Exchange | undefined> {
    const operation = this.#operations.offering(verb)?.number;
    if (operation === undefined) return undefined;
    const exchange = this.#exchanges.request({ user, operation, values, by: "user", purpose: "from the history" });
    await this.#watch(exchange);
    return exchange;
  }

  #sayWhoWasFaster(head: string): void {
    const deletion = this.#history.deletionOf(head) ?? this.#history.deletionOf("");
    if (deletion === undefined) return;
    const what = deletion.position === undefined ? "deleted all lines" : "deleted this line";
    const why = `${deletion.user} was faster and ${what} at ${deletion.time.slice(11, 19)} UTC.`;
    this.problem = { result: "You deleted nothing.", why };
  }

  /** Waits for the feed, which may be a moment behind the refusal, to tell that the line has moved or is gone. */
  async #hasMoved(mark: Bookmark, was: number): Promise<boolean> {
    const hasMoved = () => mark.isGone || mark.position !== was;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#history.current.listen(() => queueMicrotask(() => hasMoved() && resolve()));
    const timer = setTimeout(resolve, deleteCatchUpMs);
    if (!hasMoved()) await promise;
    stop();
    clearTimeout(timer);
    return hasMoved();
  }
}
