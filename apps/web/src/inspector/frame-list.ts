/** The text frames and events of a stream, by time. There may be thousands: a row is made when it is asked for. */

import { byteFrameHeaderBytes, encodeByteFrame, encodeText } from "@wirebook/protocol";
import type { ByteFrameKind, StreamEvent } from "@wirebook/protocol";
import type { ControlFrame, Stream } from "../streams/stream.svelte.ts";
import { count } from "../ui/format.ts";

/** Bytes of one of the two directions of a stream. */
export interface Span {
  readonly stream: "sent" | "received";
  readonly from: number;
  readonly to: number;
}

export function touches(one: Span | undefined, other: Span | undefined): boolean {
  return one !== undefined && one.stream === other?.stream && one.from < other.to && other.from < one.to;
}

/** True when one has all bytes of the other. */
export function covers(one: Span | undefined, other: Span | undefined): boolean {
  return one !== undefined && one.stream === other?.stream && one.from <= other.from && one.to >= other.to;
}

/** What a row stands for: the same object for as long as it is kept. */
export type FrameSource = ControlFrame | StreamEvent;

export interface WireFrame {
  readonly direction: "sent" | "received";
  readonly kind: "text" | "binary";
  readonly name: string;
  readonly bytes: number;
}

/** Lengths up to these fit a frame header's second byte, or two bytes more; longer ones take eight. */
const shortMax = 125;
const mediumMax = 65_535;

/** Bytes of a WebSocket frame before its payload (RFC 6455, section 5.2), which browsers do not show to a page. */
export function headerBytesOf(direction: WireFrame["direction"], payloadBytes: number): number {
  const mask = direction === "sent" ? 4 : 0;
  return 2 + mask + (payloadBytes <= shortMax ? 0 : payloadBytes <= mediumMax ? 2 : 8);
}

/** `1 text, 6 + 73 B, masked, request`; the opcode is the first number. */
export function describeFrame({ direction, kind, bytes, name }: WireFrame): string {
  const opcode = kind === "text" ? 1 : 2;
  const sizes = `${opcode} ${kind}, ${headerBytesOf(direction, bytes)} + ${count(bytes)} B`;
  return `${sizes}${direction === "sent" ? ", masked" : ""}${name === "data" ? "" : `, ${name}`}`;
}

/** The kind of the byte frame in which an event came to the page: an event is a frame, so its bytes are kept once. */
function kindOf({ kind, isFromTarget }: StreamEvent): ByteFrameKind {
  return kind === "data" && !isFromTarget ? "written" : kind;
}

/** The whole frame of an event; `undefined` when its bytes are gone. */
export function frameOf(event: StreamEvent, id: number): Uint8Array | undefined {
  const kind = kindOf(event);
  const body = kind === "data" ? event.bytes : kind === "written" ? event.byteCount : new Uint8Array(0);
  if (body === undefined) return undefined;
  return encodeByteFrame({ ...event, kind, id }, body, (length) => new Uint8Array(length));
}

export interface FrameRow {
  /** Among all frames, from 1; those that are not kept count as well. */
  readonly number: number;
  readonly source: FrameSource;
  readonly event: StreamEvent | undefined;
  /** The WebSocket frame; `undefined` where there was none of its own. */
  readonly frame: WireFrame | undefined;
  /** When the page sent it or knew of it, and when the gateway noted the event, since the stream began. */
  readonly ms: number;
  readonly gatewayMs: number;
  readonly span: Span | undefined;
}

export type RowSource = Pick<Stream, "controls" | "record" | "sentAtMs" | "message" | "toPageMs" | "omittedControls">;

export class FrameList {
  readonly #stream: RowSource;
  readonly #frames: readonly { readonly source: FrameSource; readonly number: number }[];

  constructor(stream: RowSource) {
    this.#stream = stream;
    const frames: { source: FrameSource; number: number }[] = [];
    const controls = [...stream.controls];
    let [controlCount, eventCount] = [0, 0];
    const addControls = (untilMs: number) => {
      while (controls[0] !== undefined && controls[0].atMs <= untilMs) {
        // Those that are not kept came after the first one.
        controlCount += controlCount === 1 ? 1 + stream.omittedControls : 1;
        frames.push({ source: controls[0], number: controlCount + eventCount });
        controls.shift();
      }
    };
    for (const source of stream.record.events) {
      addControls(this.#msOf(source));
      eventCount = source.index + 1;
      frames.push({ source, number: controlCount + eventCount });
    }
    addControls(Infinity);
    this.#frames = frames;
  }

  get length(): number {
    return this.#frames.length;
  }

  /** The row at a place from 0; `undefined` behind the last one. */
  at(place: number): FrameRow | undefined {
    const { source, number } = this.#frames[place] ?? {};
    if (source === undefined || number === undefined) return undefined;
    const ms = this.#msOf(source) - this.#stream.sentAtMs;
    if ("text" in source) return { ...this.#tell(source), source, event: undefined, ms, gatewayMs: ms, number };
    const { kind, isFromTarget, offset, byteCount, arrivedMs, atMs } = source;
    const name = kindOf(source);
    // A `written` frame has a u32.
    const bytes = byteFrameHeaderBytes + (name === "written" ? 4 : byteCount);
    const frame = { direction: "received", kind: "binary", name, bytes } as const;
    return {
      number,
      source,
      event: source,
      frame: arrivedMs === undefined ? undefined : frame,
      ms,
      gatewayMs: this.#stream.toPageMs(atMs) - this.#stream.sentAtMs,
      span:
        kind === "data"
          ? { stream: isFromTarget ? "received" : "sent", from: offset, to: offset + byteCount }
          : undefined,
    };
  }

  slice(from: number, to: number): readonly FrameRow[] {
    const rows = this.#frames.slice(from, to).map((_, at) => this.at(from + at));
    return rows.filter((row) => row !== undefined);
  }

  placeOf(source: FrameSource): number | undefined {
    const place = this.#frames.findIndex((frame) => frame.source === source);
    return place < 0 ? undefined : place;
  }

  #msOf(source: FrameSource): number {
    return "text" in source ? source.atMs : (source.arrivedMs ?? this.#stream.toPageMs(source.atMs));
  }

  /** The frame and the bytes of a control frame; the first one has the message. */
  #tell(source: ControlFrame): Pick<FrameRow, "frame" | "span"> {
    const { direction, name, text, byteCount, offset = 0 } = source;
    const { controls, message } = this.#stream;
    const payload = encodeText(text).length;
    const carried = byteCount ?? (source === controls[0] ? encodeText(message).length : 0);
    const [kind, bytes] =
      byteCount === undefined ? (["text", payload] as const) : (["binary", byteFrameHeaderBytes + byteCount] as const);
    return {
      frame: { direction, kind, name, bytes },
      span: carried > 0 ? { stream: "sent", from: offset, to: offset + carried } : undefined,
    };
  }
}
