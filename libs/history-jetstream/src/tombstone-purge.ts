/**
 * Erases what was deleted: the message of a deleted line, or all that came before a delete of all.
 *
 * A delete takes effect when its outcome is stored; the erasing follows when no reader of any server stands before it,
 * and at the earliest after `eraseGraceMs`, so that readers that have just begun were heard of. It goes in the order of
 * the deletes. The server that deleted does it; what it leaves undone because it died, the others do later.
 */

import type { Cluster } from "./cluster.ts";
import { erasedKnownMs, eraseGraceMs, eraseIntervalMs, eraseTakeoverMs } from "./limits.ts";
import type { ReadLeases } from "./read-leases.ts";

interface Due {
  /** The sequence of the outcome. */
  readonly by: number;
  readonly target: number | "all";
  readonly seenAtMs: number;
}

/** Called before the message of an outcome is erased, since what it did must be noted elsewhere first. */
export type OnPurge = () => Promise<void>;

/** What is deleted and not erased. */
export class TombstonePurge {
  readonly #cluster: Cluster;
  readonly #readers: ReadLeases;
  readonly #onErasingChange: OnPurge;
  readonly #onErased: (sequence: number) => void;
  readonly #own = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #due: Due[] = [];
  #isRunning = false;

  constructor(
    cluster: Cluster,
    readers: ReadLeases,
    { onErasingChange, onErased }: { onErasingChange: OnPurge; onErased: (sequence: number) => void },
  ) {
    this.#cluster = cluster;
    this.#readers = readers;
    this.#onErasingChange = onErasingChange;
    this.#onErased = onErased;
    this.#timer = setInterval(() => void this.#run(), eraseIntervalMs);
    this.#timer.unref();
  }

  /** An outcome was seen. */
  add(by: number, target: number | "all"): void {
    this.#due.push({ by, target, seenAtMs: performance.now() });
  }

  /** This server is the one that deleted. */
  claim(by: number): void {
    this.#own.add(by);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#isDue(this.#due[0])) {
        const [first] = this.#due as [Due];
        await this.#erase(first);
        this.#due.shift();
        this.#own.delete(first.by);
        const { target } = first;
        // A batch that a reader asked for before may still bring it.
        if (target !== "all") setTimeout(() => this.#onErased(target), erasedKnownMs).unref();
      }
    } catch {
      // Best effort now: the cluster does not answer, and the first one is tried again.
    } finally {
      this.#isRunning = false;
    }
  }

  #isDue(due: Due | undefined): boolean {
    if (due === undefined) return false;
    const waitMs = eraseGraceMs + (this.#own.has(due.by) ? 0 : eraseTakeoverMs);
    return performance.now() - due.seenAtMs >= waitMs && this.#readers.earliest() >= due.by;
  }

  async #erase({ by, target }: Due): Promise<void> {
    const { manager, names } = this.#cluster;
    if (target === "all") {
      await this.#onErasingChange();
      await manager.streams.purge(names.stream, { seq: by });
      return;
    }
    const message = await manager.streams.getMessage(names.stream, { seq: target });
    if (message === null) return;
    if (message.subject === names.change) await this.#onErasingChange();
    await manager.streams.deleteMessage(names.stream, target, true);
  }
}
