/**
 * The frames of a stream: each text frame and each event, and what is on TCP beside it, in the order of their times.
 *
 * A conversation may have thousands, and a thousand more every second, so a list is made anew for each drawing and costs
 * nothing: both of its parts are sorted already, and a row is made when it is asked for.
 */

import { byteFrameHeaderBytes, encodeText } from "@wirebook/protocol";
import type { StreamEvent } from "@wirebook/protocol";
import { frameBytesOf, kindOf } from "../streams/byte-frame.ts";
import type { ControlFrame, Stream } from "../streams/stream.svelte.ts";
import { firstIndex } from "../ui/first-index.ts";

/** Bytes of one of the two directions of a stream. */
export interface Span {
  readonly stream: "sent" | "received";
  readonly from: number;
  readonly to: number;
}

/** True when they share bytes. */
export function touches(one: Span | undefined, other: Span | undefined): boolean {
  return one !== undefined && one.stream === other?.stream && one.from < other.to && other.from < one.to;
}

/** True when one has all bytes of the other. */
export function covers(one: Span | undefined, other: Span | undefined): boolean {
  return one !== undefined && one.stream === other?.stream && one.from <= other.from && one.to >= other.to;
}

/** What a row stands for: the same object for as long as it is kept. */
export type FrameSource = ControlFrame | StreamEvent;

export interface FrameRow {
  /** Among all frames, from 1; those that are not kept count as well. */
  readonly number: number;
  readonly source: FrameSource;
  readonly event: StreamEvent | undefined;
  /** The WebSocket frame; `undefined` where there was none of its own. */
  readonly frame: WireFrame | undefined;
  /** When the page sent it or knew of it, since the stream began. */
  readonly ms: number;
  /** When the gateway noted the event. */
  readonly gatewayMs: number;
  /** The bytes that it carries, or tells of. */
  readonly span: Span | undefined;
}

export interface WireFrame {
  readonly direction: "sent" | "received";
  readonly kind: "text" | "binary";
  readonly name: string;
  /** Bytes of its payload. */
  readonly bytes: number;
}

/** What rows are made of. */
export type RowSource = Pick<
  Stream,
  "controls" | "record" | "sentAtMs" | "message" | "toPageMs" | "omittedControls"
> & {
  readonly flow?: Stream["flow"];
};

export class FrameList {
  readonly length: number;
  readonly #stream: RowSource;
  /** Read once: each is a getter that makes the drawing depend on what it gives. */
  readonly #controls: readonly ControlFrame[];
  readonly #record: RowSource["record"];
  readonly #events: number;

  constructor(stream: RowSource) {
    this.#stream = stream;
    this.#controls = stream.controls;
    this.#record = stream.record;
    let events = this.#record.keptCount;
    // The gateway tells each event of a flow by itself.
    while (stream.flow === undefined && isUntold(this.#record.keptAt(events - 1))) events -= 1;
    this.#events = events;
    this.length = this.#controls.length + events;
  }

  /** The row at a place from 0; `undefined` behind the last one. */
  at(place: number): FrameRow | undefined {
    const at = firstIndex(this.#controls.length, (each) => this.#placeOfControl(each) >= place);
    const control = this.#controls[at];
    if (control !== undefined && this.#placeOfControl(at) === place) return this.#rowOfControl(control, at, place);
    const event = place - at < this.#events ? this.#record.keptAt(place - at) : undefined;
    return event && this.#rowOfEvent(event, place);
  }

  /** The rows from one place up to, but not including, another one. */
  slice(from: number, to: number): readonly FrameRow[] {
    const count = Math.max(0, Math.min(to, this.length) - from);
    return Array.from({ length: count }, (_, at) => this.at(from + at)).filter((row) => row !== undefined);
  }

  /** Where a row stands; `undefined` when it is not kept. */
  placeOf(source: FrameSource): number | undefined {
    if ("text" in source) {
      const at = this.#controls.indexOf(source);
      return at < 0 ? undefined : this.#placeOfControl(at);
    }
    const at = firstIndex(this.#events, (each) => (this.#record.keptAt(each)?.index ?? 0) >= source.index);
    if (this.#record.keptAt(at) !== source) return undefined;
    const ms = this.#msOf(source);
    return at + firstIndex(this.#controls.length, (each) => (this.#controls[each] as ControlFrame).atMs > ms);
  }

  /** The FINs of the end, which the last text frame told of: they have no rows. */
  get untold(): readonly FrameRow[] {
    const { keptCount } = this.#record;
    const events = Array.from({ length: keptCount - this.#events }, (_, at) => this.#record.keptAt(this.#events + at));
    return events.filter((event) => event !== undefined).map((event) => this.#rowOfEvent(event, this.length));
  }

  #placeOfControl(at: number): number {
    const { atMs } = this.#controls[at] as ControlFrame;
    return at + firstIndex(this.#events, (each) => this.#msOf(this.#record.keptAt(each) as StreamEvent) >= atMs);
  }

  #msOf({ arrivedMs, atMs }: StreamEvent): number {
    return arrivedMs ?? this.#stream.toPageMs(atMs);
  }

  #rowOfControl(source: ControlFrame, at: number, place: number): FrameRow {
    const { direction, name, text, atMs, byteCount, offset = 0 } = source;
    const isBinary = byteCount !== undefined;
    const bytes = isBinary ? byteFrameHeaderBytes + byteCount : encodeText(text).length;
    const to = isBinary ? offset + byteCount : at === 0 ? encodeText(this.#stream.message).length : 0;
    const before = this.#record.keptAt(place - at - 1);
    const missing = before === undefined ? 0 : before.index - (place - at - 1);
    const ms = atMs - this.#stream.sentAtMs;
    return {
      source,
      event: undefined,
      frame: { direction, kind: isBinary ? "binary" : "text", name, bytes },
      ms,
      gatewayMs: ms,
      span: to > 0 ? { stream: "sent", from: offset, to } : undefined,
      number: place + 1 + missing + (at > 0 ? this.#stream.omittedControls : 0),
    };
  }

  #rowOfEvent(event: StreamEvent, place: number): FrameRow {
    const { sentAtMs } = this.#stream;
    const frame: WireFrame = { direction: "received", kind: "binary", name: kindOf(event), bytes: frameBytesOf(event) };
    const at = firstIndex(this.#events, (each) => (this.#record.keptAt(each)?.index ?? 0) >= event.index);
    const missing = event.index - at + (place - at > 1 ? this.#stream.omittedControls : 0);
    return {
      source: event,
      event,
      frame: event.arrivedMs === undefined ? undefined : frame,
      ms: this.#msOf(event) - sentAtMs,
      gatewayMs: this.#stream.toPageMs(event.atMs) - sentAtMs,
      span: spanOf(event),
      number: place + 1 + missing,
    };
  }
}

/** True for an end of a direction that came in no frame of its own. */
function isUntold(event: StreamEvent | undefined): boolean {
  return event !== undefined && event.kind !== "data" && event.arrivedMs === undefined;
}

function spanOf({ kind, isFromTarget, offset, byteCount }: StreamEvent): Span | undefined {
  if (kind !== "data") return undefined;
  return { stream: isFromTarget ? "received" : "sent", from: offset, to: offset + byteCount };
}
