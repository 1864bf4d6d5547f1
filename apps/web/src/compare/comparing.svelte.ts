/** The two streams that are compared, and how they are chosen. */

import { tick } from "svelte";
import type { ComparedEvent, ComparedStream } from "@wirebook/scenario";
import type { Highlight } from "../inspector/highlight.svelte.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Layout } from "../ui/layout.svelte.ts";

export interface Pair {
  readonly one: Stream;
  readonly other: Stream;
}

export class Comparing {
  /** `undefined` while another stream is being chosen for the one that is selected. */
  pair = $state.raw<Pair>();
  readonly #layout: Layout;
  readonly #highlight: Highlight;
  readonly #select: (stream: Stream) => void;

  constructor(layout: Layout, highlight: Highlight, select: (stream: Stream) => void) {
    this.#layout = layout;
    this.#highlight = highlight;
    this.#select = select;
  }

  /** Asks for the stream with which this one is compared. */
  choose(stream: Stream): void {
    this.pair = undefined;
    this.#select(stream);
    this.#layout.tab = "compare";
    void this.#layout.focus("inspector", "#inspector");
  }

  /** Shows one of the two streams at an event of it, which stays lit. */
  async show(stream: Stream, event?: ComparedEvent): Promise<void> {
    this.#select(stream);
    this.#layout.tab = "stream";
    // Another stream has nothing lit when it is drawn.
    await tick();
    const source = stream.record.events.find((each) => each === event);
    if (source === undefined) return;
    const { isFromTarget, offset, byteCount } = source;
    const span = { stream: isFromTarget ? "received" : "sent", from: offset, to: offset + byteCount } as const;
    this.#highlight.pin({ span, source, name: "turn" });
  }
}

/** A stream as it is now. */
export function comparedOf(stream: Stream): ComparedStream {
  const { events, latest, sentBytes, receivedBytes } = stream.record;
  const end = { kind: "data", atMs: latest?.atMs ?? 0, byteCount: 0 } as const;
  // Bytes that no event tells of are missing also behind the last one.
  const ends = [
    { ...end, isFromTarget: false, offset: sentBytes },
    { ...end, isFromTarget: true, offset: receivedBytes },
  ];
  return { name: stream.name, startedMs: stream.sentAtMs - stream.toPageMs(0), events: [...events, ...ends] };
}
