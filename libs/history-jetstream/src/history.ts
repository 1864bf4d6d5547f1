/**
 * The engine `jetstream`: a history in a replicated stream, shared by all servers that open it.
 *
 * A delete is a message that is stored only if no other change came since this server looked [N-6]. Appends do not move the
 * lines before them, so between looking and storing only another change could make line N another line; then the message
 * is refused, and the server looks again.
 */

import { JetStreamApiError } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { assertLine, assertUnchanged, HistoryError, resolveFollow, resolveRange } from "@wirebook/history";
import type {
  Actor,
  AppendResult,
  Feed,
  History,
  HistorySize,
  Range,
  Recorded,
  RequestEntry,
  Snapshot,
} from "@wirebook/history";
import type { NatsAddress } from "./address.ts";
import { attempt, unavailable } from "./cluster.ts";
import { useCluster } from "./connect.ts";
import type { NatsCredentials } from "./credentials.ts";
import { encodeErasure, encodeRequestMessage, encodeResultMessage, lineBytes } from "./message.ts";
import type { StoredMessage } from "./message.ts";
import { wrongLastSequence } from "./publisher.ts";
import { StreamFeed, StreamSnapshot } from "./readers.ts";
import type { Source } from "./readers.ts";
import { Replica } from "./replica.ts";

/** Times that a delete is tried again because another one came first. */
export const deleteAttemptsMax = 100;

/** How a history on NATS is opened. */
export interface JetStreamHistoryOptions extends NatsCredentials {
  /** Told, in whole sentences, what a person should know: a connection that was lost, say. Must not throw. */
  readonly onNotice?: (sentence: string) => void;
}

/** @throws HistoryError as `openJetStreamHistory` */
export function openHistory(address: NatsAddress, options: JetStreamHistoryOptions): Promise<History> {
  const { onNotice = () => {} } = options;
  return useCluster(address, options, async (cluster) => new JetStreamHistory(await Replica.open(cluster, onNotice)));
}

/** See `History` for the calls. */
export class JetStreamHistory implements History {
  readonly engine = "jetstream";
  readonly ended: Promise<HistoryError | undefined>;
  readonly #replica: Replica;
  readonly #appending = new Set<Promise<unknown>>();
  readonly #reportEnd: (error: HistoryError | undefined) => void;
  /** Deletes run one after another. */
  #changing: Promise<unknown> = Promise.resolve();
  /** One for all callers at once. */
  #checking: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(replica: Replica) {
    this.#replica = replica;
    const { promise, resolve } = Promise.withResolvers<HistoryError | undefined>();
    this.ended = promise;
    this.#reportEnd = resolve;
    void replica.failed.then(resolve);
  }

  size(): HistorySize {
    const { index, bytes } = this.#replica.view.known;
    return { lines: index.lines, bytes };
  }

  async check(): Promise<void> {
    this.#assertOpen();
    this.#checking ??= this.#replica.cluster.assertMajority().finally(() => (this.#checking = undefined));
    await this.#checking;
  }

  append(entry: RequestEntry): Promise<AppendResult> {
    return this.#append(encodeRequestMessage(entry));
  }

  /** It changes no line, so it needs no subject that changes watch. */
  record(by: Actor, outcome: Recorded): Promise<AppendResult> {
    return this.#append(encodeResultMessage(by, outcome));
  }

  deleteLine(by: Actor, line: number, timestamp?: string): Promise<AppendResult> {
    return this.#change(async () => {
      for (let tries = 0; tries < deleteAttemptsMax; tries++) {
        const written = await this.#tryDelete(by, line, timestamp);
        if (written !== undefined) return written;
        await this.#seeLastChange();
      }
      throw unavailable(`other deletes came first ${deleteAttemptsMax} times`);
    });
  }

  deleteAll(by: Actor): Promise<AppendResult> {
    return this.#change(async () => {
      const data = encodeResultMessage(by, { verb: "deleted-all" });
      const { time } = await this.#publishChange(data, encodeErasure("all"));
      return { position: 1, time };
    });
  }

  async read(range: Range = {}): Promise<Snapshot> {
    const source = await this.#source();
    return new StreamSnapshot(source, resolveRange(range, source.view.lines));
  }

  async follow(from?: number): Promise<Feed> {
    const source = await this.#source();
    return new StreamFeed(source, resolveFollow(from, source.view.lines));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #append(data: Uint8Array): Promise<AppendResult> {
    this.#assertOpen();
    const { cluster, publisher } = this.#replica;
    const written = publisher.publish(cluster.names.line, data);
    this.#appending.add(written);
    try {
      return await written;
    } catch (error) {
      throw explain(error);
    } finally {
      this.#appending.delete(written);
    }
  }

  /** A delete comes after the appends that were made before it, and after the deletes before it. */
  async #change(work: () => Promise<AppendResult>): Promise<AppendResult> {
    this.#assertOpen();
    const before = [this.#changing, ...this.#appending];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#changing = promise;
    try {
      await Promise.allSettled(before);
      return await work();
    } catch (error) {
      throw explain(error);
    } finally {
      resolve();
    }
  }

  /** `undefined` when another change came first. */
  async #tryDelete(by: Actor, line: number, timestamp: string | undefined): Promise<AppendResult | undefined> {
    const { view } = this.#replica;
    const { lines } = view;
    const { lastChange } = view.known;
    assertLine(line, lines);
    const target = await this.#get(view.sequenceOf(line));
    // Another server deleted and erased it; this one is about to see that.
    if (target === undefined) return undefined;
    const actual = view.timestampOf(target);
    assertUnchanged(line, actual, timestamp);
    const data = encodeResultMessage(by, { verb: "deleted-line", line, head: actual });
    const headers = encodeErasure({ sequence: target.sequence, bytes: lineBytes(target) });
    try {
      return await this.#publishChange(data, headers, { lastSubjectSequence: lastChange });
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === wrongLastSequence) return undefined;
      throw error;
    }
  }

  #publishChange(data: Uint8Array, headers: MsgHdrs, expect: object = {}): Promise<AppendResult> {
    const { cluster, publisher } = this.#replica;
    return publisher.publish(cluster.names.change, data, { headers, expect });
  }

  async #get(sequence: number): Promise<StoredMessage | undefined> {
    const { manager, names } = this.#replica.cluster;
    const message = await attempt("did not give the line", () =>
      manager.streams.getMessage(names.stream, { seq: sequence }),
    );
    if (message === null) return undefined;
    const { header, data, subject, timestamp } = message;
    return { sequence, takenUs: microsecondsOf(timestamp), subject, headers: header, data };
  }

  /** Waits until the view has the change that came first, or the next attempt would be refused as well. */
  async #seeLastChange(): Promise<void> {
    const { cluster } = this.#replica;
    const { manager, names } = cluster;
    const last = await attempt("did not tell which change came first", () =>
      manager.streams.getMessage(names.stream, { last_by_subj: names.change }),
    );
    if (last !== null) await this.#replica.seen(last.seq);
  }

  /** Readers see all appends that were made before them. */
  async #source(): Promise<Source> {
    this.#assertOpen();
    await Promise.allSettled(this.#appending);
    this.#assertOpen();
    const { cluster, leases, view } = this.#replica;
    return { cluster, leases, view };
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#appending, this.#changing]);
    await this.#replica.close();
    await this.#replica.cluster.release();
    this.#reportEnd(undefined);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new HistoryError("closed", "the history is closed");
    this.#replica.assertSound();
  }
}

/** What the cluster refuses for good has a reason of its own. */
function explain(error: unknown): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  const code = /resource|storage|maximum/i.test(error.message) ? "storage-full" : "storage-failed";
  return new HistoryError(code, `the cluster refused the line: ${error.message}`, { cause: error });
}

function microsecondsOf(timestamp: string): number {
  // RFC 3339 with up to nine digits: 2026-11-22T20:31:05.123456789Z
  const [seconds = "", fraction = ""] = timestamp.replace(/Z$/, "").split(".");
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
