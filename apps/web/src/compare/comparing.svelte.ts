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
  /** The stream for which another one is being chosen. */
  chosen = $state.raw<Stream>();
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
    this.chosen = stream;
    this.#layout.dialog = "compare";
  }

  /** Compares the chosen stream with this one. */
  with(other: Stream): void {
    if (this.chosen === undefined) return;
    this.pair = { one: this.chosen, other };
    this.#layout.dialog = undefined;
    this.#layout.tab = "compare";
    void this.#layout.focus("inspector", "#inspector");
  }

  close(): void {
    this.pair = undefined;
    this.#layout.tab = "stream";
  }

  /** Shows one of the two streams at an event of it, which stays lit. */
  async show(stream: Stream, first: ComparedEvent | undefined): Promise<void> {
    this.#select(stream);
    this.#layout.tab = "stream";
    await import("../inspector/stream/StreamView.svelte");
    // Another stream has nothing lit when it is drawn.
    await tick();
    const event = stream.record.events.find((each) => each === first);
    if (event === undefined) return;
    const { isFromTarget, offset, byteCount } = event;
    const span = { stream: isFromTarget ? "received" : "sent", from: offset, to: offset + byteCount } as const;
    this.#highlight.pin({ span, source: event, name: "turn" });
    await tick();
    document.querySelector(`[data-event="${event.index}"]`)?.scrollIntoView({ block: "center" });
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
