/**
 * How far the readers of all servers have come, so that nothing is erased that one of them has yet to read.
 *
 * A reader stands at a *moment*: the sequence up to which it knows of deletes. A server tells the others the earliest
 * moment of its readers by an entry in the bucket, `reader.ID`, at most `leaseIntervalMs` after a reader began, and takes
 * it back when it has none. A server that was not heard of for `leaseTimeoutMs` is no longer waited for: its readers
 * find a line missing, and say so. That holds only while the bucket itself is heard: a server that may have missed what
 * others told must not take them for silent, so it erases nothing until it has heard them again.
 */

import { nuid } from "@nats-io/transport-node";
import type { Cluster } from "./cluster.ts";
import { eraseGraceMs, leaseIntervalMs, leaseRepeatMs, leaseTimeoutMs } from "./limits.ts";

/** Whoever reads lines, and holds back what was deleted later than its moment. */
export interface Reader {
  readonly moment: number;
}

interface Lease {
  readonly moment: number;
  heardAtMs: number;
}

/** The readers of this server, and what is known of the others'. */
export class ReadLeases {
  readonly #cluster: Cluster;
  readonly #key = `reader.${nuid.next()}`;
  readonly #own = new Set<Reader>();
  readonly #others = new Map<string, Lease>();
  readonly #timer: NodeJS.Timeout;
  #told: Lease | undefined;
  /** When what the others tell is known again; infinite while it may be missed. */
  #isSureFromMs = Infinity;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#timer = setInterval(() => this.#tell(), leaseIntervalMs);
    this.#timer.unref();
  }

  add(reader: Reader): void {
    this.#own.add(reader);
  }

  remove(reader: Reader): void {
    this.#own.delete(reader);
  }

  /** Another server has told how far its readers are; `undefined`: it has none any more. */
  hear(key: string, moment: number | undefined): void {
    if (key === this.#key) return;
    if (moment === undefined) this.#others.delete(key);
    else this.#others.set(key, { moment, heardAtMs: performance.now() });
  }

  /** Says whether what others tell may be missed for now. They are given time to be heard again before they are silent. */
  doubt(isInDoubt: boolean): void {
    const nowMs = performance.now();
    this.#isSureFromMs = isInDoubt ? Infinity : nowMs + eraseGraceMs;
    for (const lease of this.#others.values()) lease.heardAtMs = nowMs;
  }

  /** The earliest moment at which anybody stands, or may stand; infinite when nobody reads. */
  earliest(): number {
    const nowMs = performance.now();
    if (nowMs < this.#isSureFromMs) return 0;
    let earliest = this.#earliestOwn();
    for (const [key, { moment, heardAtMs }] of this.#others) {
      if (nowMs - heardAtMs > leaseTimeoutMs) this.#others.delete(key);
      else earliest = Math.min(earliest, moment);
    }
    return earliest;
  }

  /** Takes back what it told. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    // Best effort: the others stop waiting by themselves.
    if (this.#told !== undefined) await this.#cluster.state.delete(this.#key).catch(() => {});
  }

  #earliestOwn(): number {
    return Math.min(Infinity, ...[...this.#own].map(({ moment }) => moment));
  }

  #tell(): void {
    const nowMs = performance.now();
    const moment = this.#earliestOwn();
    const isSame = this.#told?.moment === moment && nowMs - this.#told.heardAtMs < leaseRepeatMs;
    if (isSame || (moment === Infinity && this.#told === undefined)) return;
    this.#told = moment === Infinity ? undefined : { moment, heardAtMs: nowMs };
    const telling =
      moment === Infinity ? this.#cluster.state.delete(this.#key) : this.#cluster.state.put(this.#key, String(moment));
    // Best effort: it is told again; a server that is cut off is not waited for.
    telling.catch(() => (this.#told = undefined));
  }
}
