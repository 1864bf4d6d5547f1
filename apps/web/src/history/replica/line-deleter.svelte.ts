/**
 * Deletes lines from their rows. A line is named by its number and its time. When another user deletes a line above at the same
 * moment, the server refuses, since another line has that number now. The delete is then sent again with the new
 * number. When another user has deleted this very line, the problem says so, and who it was.
 */

import { timestampOf } from "@wirebook/protocol";
import type { Operations } from "../../streams/operations.svelte.ts";
import type { Stream } from "../../streams/stream.svelte.ts";
import type { Streams } from "../../streams/streams.svelte.ts";
import { explainDelete, refusalOf } from "../../streams/result.ts";
import type { DeleteProblem } from "../../streams/result.ts";
import { deleteAttemptsMax, deleteCatchUpMs } from "../../limits.ts";
import type { Bookmark } from "./history-replica.ts";
import type { History } from "./history.svelte.ts";

export class LineDeleter {
  /** The result of the last delete, when it failed or is not known. */
  problem = $state.raw<DeleteProblem>();
  readonly #streams: Streams;
  readonly #operations: Operations;
  readonly #history: History;
  readonly #watch: (stream: Stream | undefined) => Promise<void>;

  /** @param watch shows an exchange and resolves when it is over */
  constructor(
    streams: Streams,
    operations: Operations,
    history: History,
    watch: (stream: Stream | undefined) => Promise<void>,
  ) {
    this.#streams = streams;
    this.#operations = operations;
    this.#history = history;
    this.#watch = watch;
  }

  /** True when a delete can name the line by its time, so that the server deletes no other. */
  get isGuarded(): boolean {
    return this.#operations.offering("delete-line")?.parameters.some(({ name }) => name === "TIME") ?? false;
  }

  /** Deletes a line that was shown at a position. */
  async delete(user: string, position: number, line: string): Promise<void> {
    const head = timestampOf(line);
    const isGuarded = this.isGuarded && head !== "";
    this.problem = undefined;
    const mark = this.#history.current.mark(position);
    for (let attempt = 1; attempt <= deleteAttemptsMax; attempt++) {
      const at = String(mark.position);
      const stream = await this.#send(user, "delete-line", isGuarded ? [at, head] : [at]);
      this.problem = stream && explainDelete(stream);
      if (!isGuarded || stream === undefined || refusalOf(stream) === undefined) break;
      if (!(await this.#hasMoved(mark, Number(at)))) break;
      if (mark.isGone) {
        this.#reportFasterUser(head);
        break;
      }
    }
    this.#history.current.unmark(mark);
  }

  /** Deletes all lines. */
  async deleteAll(user: string): Promise<void> {
    this.problem = undefined;
    const stream = await this.#send(user, "delete-all", []);
    this.problem = stream && explainDelete(stream);
  }

  async #send(user: string, verb: "delete-line" | "delete-all", values: string[]): Promise<Stream | undefined> {
    const operation = this.#operations.offering(verb)?.number;
    if (operation === undefined) return undefined;
    const stream = this.#streams.request({ user, operation, values, by: "user", purpose: "from the history" });
    await this.#watch(stream);
    return stream;
  }

  #reportFasterUser(head: string): void {
    const deletion = this.#history.deletionOf(head) ?? this.#history.deletionOf("");
    if (deletion === undefined) return;
    const what = deletion.position === undefined ? "deleted all lines" : "deleted this line";
    const why = `${deletion.user} was faster and ${what} at ${deletion.time.slice(11, 19)} UTC.`;
    this.problem = { result: "You deleted nothing.", why };
  }

  /** Waits until the feed, which may be a moment behind the refusal, has moved the line or deleted it. */
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
