/**
 * Erases from the stream what was deleted, when no reader of any server can ask for it any more [N-7].
 *
 * A reader stands at a *moment*, the sequence up to which it knows of deletes, and reads lines that were deleted later as
 * they stood. So a server tells the others the earliest moment of its readers: its *lease*, `reader.ID` in the bucket of the
 * state. Who wants to erase reads all leases then and there; where the cluster does not answer, nothing is erased.
 */

import { nuid } from "@nats-io/transport-node";
import type { Cluster } from "./cluster.ts";
import { writeCheckpoint } from "./load.ts";
import type { Erasure } from "./message.ts";
import type { Projection } from "./projection.ts";

/** Milliseconds from a delete to its erasing, at least: readers that began before have told their leases by then. */
export const eraseGraceMs = 2000;
/** Milliseconds after which others take over what the server that deleted left undone, because it died. */
export const eraseTakeoverMs = 10_000;
/** Milliseconds for which an erased line is remembered: a batch that was requested before may still bring it. */
const erasedKnownMs = 60_000;
/** Milliseconds between two looks at what is to be erased, and at this server's own readers. */
const lookMs = 500;
const leaseRepeatMs = 4000;
/** Milliseconds after which a lease that is not told again no longer counts: its server is gone, or cut off. */
export const leaseTimeoutMs = 15_000;

/** The readers of this server, and those of the others as far as they have told. */
export class ReadLeases {
  readonly #cluster: Cluster;
  readonly #id = nuid.next();
  readonly #own = new Set<{ readonly moment: number }>();
  readonly #others = new Map<string, { readonly sequence: number; readonly sinceMs: number }>();
  readonly #timer = setInterval(() => {
    this.#telling ??= this.#tell().finally(() => (this.#telling = undefined));
  }, lookMs).unref();
  /** The lease that this server told last, and when: an infinite one stands for no reader. */
  #told = { moment: Infinity, atMs: 0 };
  #telling: Promise<void> | undefined;
  #lookedMs = -Infinity;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Notes one of this server's readers; returns what forgets it. */
  add(reader: { readonly moment: number }): () => void {
    this.#own.add(reader);
    return () => void this.#own.delete(reader);
  }

  /** The earliest moment of all readers; infinite when there is none. */
  async earliest(): Promise<number> {
    const { manager, names } = this.#cluster;
    const prefix = `$KV.${names.state}.reader.`;
    const stream = `KV_${names.state}`;
    const { state } = await manager.streams.info(stream, { subjects_filter: `${prefix}>` });
    const nowMs = performance.now();
    // While this server could not look, the others could perhaps not tell: silence counts from the first look on.
    const isAfterGap = nowMs - this.#lookedMs > leaseRepeatMs;
    this.#lookedMs = nowMs;
    let earliest = this.#earliestOwn();
    for (const subject of Object.keys(state.subjects ?? {})) {
      if (subject === `${prefix}${this.#id}`) continue;
      const lease = await manager.streams.getMessage(stream, { last_by_subj: subject });
      if (lease === null) continue;
      const known = isAfterGap ? undefined : this.#others.get(subject);
      const sinceMs = known?.sequence === lease.seq ? known.sinceMs : nowMs;
      this.#others.set(subject, { sequence: lease.seq, sinceMs });
      if (nowMs - sinceMs > leaseTimeoutMs) await manager.streams.deleteMessage(stream, lease.seq, false);
      else earliest = Math.min(earliest, Number(lease.string()));
    }
    return earliest;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#telling;
    this.#own.clear();
    await this.#tell();
  }

  #earliestOwn(): number {
    return Math.min(Infinity, ...[...this.#own].map(({ moment }) => moment));
  }

  async #tell(): Promise<void> {
    const moment = this.#earliestOwn();
    const atMs = performance.now();
    const isDue = moment !== Infinity && atMs - this.#told.atMs >= leaseRepeatMs;
    if (moment === this.#told.moment && !isDue) return;
    try {
      await this.#cluster.state.put(`reader.${this.#id}`, String(moment));
      this.#told = { moment, atMs };
    } catch {
      // Best effort: it is told again, and a server that is cut off is not waited for.
    }
  }
}

export class TombstonePurge {
  readonly #cluster: Cluster;
  readonly #leases: ReadLeases;
  readonly #view: () => Projection;
  readonly #timer = setInterval(() => void this.#run(), lookMs).unref();
  /** What is deleted by which message and not erased, and when this server erases it if no reader needs it. */
  readonly #due: { readonly by: number; readonly erasure: Erasure; readonly ripeMs: number }[] = [];
  #isRunning = false;

  constructor(cluster: Cluster, leases: ReadLeases, view: () => Projection) {
    this.#cluster = cluster;
    this.#leases = leases;
    this.#view = view;
  }

  /** @param isOwn true when this server deleted, so that it is the first to erase */
  add(by: number, erasure: Erasure, isOwn = false): void {
    this.#due.push({ by, erasure, ripeMs: performance.now() + (isOwn ? eraseGraceMs : eraseTakeoverMs) });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    // What ripens meanwhile waits for the next look, since a reader may have begun that this one does not know of.
    const atMs = performance.now();
    const nextRipe = () => (this.#due[0] !== undefined && atMs >= this.#due[0].ripeMs ? this.#due[0] : undefined);
    if (this.#isRunning || nextRipe() === undefined) return;
    this.#isRunning = true;
    try {
      const earliest = await this.#leases.earliest();
      for (let due = nextRipe(); due !== undefined && due.by <= earliest; due = nextRipe()) {
        const { by, erasure } = due;
        await this.#erase(by, erasure);
        this.#due.shift();
        const view = this.#view();
        setTimeout(() => view.forgetErased(by, erasure), erasedKnownMs).unref();
      }
    } catch {
      // Best effort now: the cluster does not answer, and the first one is tried again.
    } finally {
      this.#isRunning = false;
    }
  }

  /** What a delete did is counted in the checkpoint before its own message is erased. */
  async #erase(by: number, erasure: Erasure): Promise<void> {
    const { manager, names } = this.#cluster;
    if (erasure === "all") {
      await writeCheckpoint(this.#cluster, this.#view().known);
      // Before the first message there is nothing, and the cluster takes a purge up to 1 for one of all.
      if (by > 1) await manager.streams.purge(names.stream, { seq: by });
      return;
    }
    const message = await manager.streams.getMessage(names.stream, { seq: erasure.sequence });
    if (message === null) return;
    if (message.subject === names.change) await writeCheckpoint(this.#cluster, this.#view().known);
    await manager.streams.deleteMessage(names.stream, erasure.sequence, true);
  }
}
