/** Sends what the user asks for, shows it, and tells of its result. */

import type { Layout } from "../ui/layout.svelte.ts";
import { bytes, duration, plural } from "../ui/format.ts";
import { explainFailure, refusalOf, resultOf } from "../streams/result.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { ConnectOrder, Order, Streams } from "../streams/streams.svelte.ts";

export class Sender {
  readonly #streams: Streams;
  readonly #layout: Layout;
  readonly #onOver: () => Promise<void>;

  /** @param onOver is called after each */
  constructor(streams: Streams, layout: Layout, onOver: () => Promise<void>) {
    this.#streams = streams;
    this.#layout = layout;
    this.#onOver = onOver;
  }

  /** Sends a request to the Wirebook server; `undefined` when there is no connection to the gateway. @throws ProtocolError as `encodeMessage` */
  request(order: Omit<Order, "by">): Stream | undefined {
    const stream = this.#streams.request({ ...order, by: "user" });
    void this.watch(stream);
    return stream;
  }

  /** Opens a stream to any target; `undefined` when there is no connection to the gateway. */
  connect(order: Omit<ConnectOrder, "by">): Stream | undefined {
    const stream = this.#streams.connect({ ...order, by: "user" });
    void this.watch(stream);
    return stream;
  }

  /** Shows a stream in the inspector, and resolves when it is over. */
  async watch(stream: Stream | undefined): Promise<void> {
    if (stream === undefined) return;
    void this.#streams.show(stream);
    await stream.settled();
    this.#layout.announcement = announce(stream);
    await stream.over;
    await this.#onOver();
  }
}

function announce(stream: Stream): string {
  const { word } = resultOf(stream);
  const sizes = `${bytes(stream.receivedBytes)} in ${plural(stream.reads, "read")}, ${duration(stream.tookMs)}`;
  const why = explainFailure(stream)?.why ?? refusalOf(stream) ?? sizes;
  return `${stream.name}: ${word}. ${why}`;
}
