/**
 * A key-value bucket as one server hears it: what each key has, and every change of it. A bucket is a stream with a subject
 * for each key, so it is heard as the lines are.
 */

import type { JsMsg } from "@nats-io/jetstream";
import type { Cluster } from "./cluster.ts";
import { attempt, unavailable } from "./errors.ts";
import { StreamConsumer } from "./stream-consumer.ts";
import { askMsMax } from "./limits.ts";

/** A bucket that is heard until it is closed. */
export class HeardBucket {
  readonly #cluster: Cluster;
  readonly #stream: string;
  readonly #hearing: StreamConsumer;
  /** Called after each message. */
  readonly #waiting = new Set<() => void>();
  #seen = 0;

  /**
   * Resolves when all that there was has been heard.
   *
   * @param what the end of a sentence that begins with the cluster, for the error
   * @param onEntry told of each key with its value, `undefined` when it was taken away
   * @param onDoubt told whether changes may be missing for now
   * @throws HistoryError `storage-unavailable`
   */
  static async open(
    cluster: Cluster,
    bucket: string,
    what: string,
    onEntry: (key: string, value: JsMsg | undefined) => void,
    onDoubt: (isInDoubt: boolean) => void = () => {},
  ): Promise<HeardBucket> {
    const heard = new HeardBucket(cluster, bucket, onDoubt);
    try {
      await heard.#start(`$KV.${bucket}.`, onEntry);
      await heard.catchUp(what);
      return heard;
    } catch (error) {
      heard.close();
      throw error;
    }
  }

  private constructor(cluster: Cluster, bucket: string, onDoubt: (isInDoubt: boolean) => void) {
    this.#cluster = cluster;
    this.#stream = `KV_${bucket}`;
    // What cannot be heard any more is unknown, and said when it is asked for.
    this.#hearing = new StreamConsumer(cluster, { onDoubt, onFailure: () => onDoubt(true) });
  }

  /** Resolves when everything that the bucket has by now was heard. @throws HistoryError `storage-unavailable` */
  async catchUp(what: string): Promise<void> {
    const { state } = await attempt(what, () => this.#cluster.manager.streams.info(this.#stream));
    if (state.messages === 0 || this.#seen >= state.last_seq) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => void (this.#seen >= state.last_seq && resolve());
    const timer = setTimeout(() => reject(unavailable(`the cluster ${what} within ${askMsMax} ms`)), askMsMax);
    this.#waiting.add(look);
    look();
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(look);
    });
  }

  close(): void {
    this.#hearing.close();
  }

  #start(prefix: string, onEntry: (key: string, value: JsMsg | undefined) => void): Promise<void> {
    return this.#hearing.hear({
      stream: this.#stream,
      next: () => this.#seen + 1,
      onMessage: (message) => {
        this.#seen = message.seq;
        const isGone = message.headers?.has("KV-Operation") ?? false;
        onEntry(message.subject.slice(prefix.length), isGone ? undefined : message);
        for (const look of this.#waiting) look();
      },
    });
  }
}
