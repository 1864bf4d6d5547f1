/** The list of frames: each text frame and each event of the stream, and what is on TCP beside it, in the order of their times. */

import { encodeText } from "@wirebook/protocol";
import type { StreamEvent } from "@wirebook/protocol";
import { frameBytesOf, kindOf } from "../exchanges/byte-frame.ts";
import type { ControlFrame, Exchange } from "../exchanges/exchange.svelte.ts";
import type { Span } from "./byte-runs.ts";

export interface WireRow {
  /** Among all frames, from 1; those that are not kept count as well. */
  readonly number: number;
  /** What it stands for: the same object for as long as it is kept. */
  readonly source: ControlFrame | StreamEvent;
  readonly event: StreamEvent | undefined;
  /** The WebSocket frame; `undefined` where there was none of its own. */
  readonly frame: WireFrame | undefined;
  /** Since the page sent. */
  readonly ms: number;
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
export type RowSource = Pick<Exchange, "controls" | "record" | "sentAtMs" | "message" | "toPageMs">;

export function rowsOf(exchange: RowSource): readonly WireRow[] {
  const { controls, record, sentAtMs, message } = exchange;
  const ofControls = controls.map((source, index) => {
    const { direction, name, text, atMs } = source;
    const frame: WireFrame = { direction, kind: "text", name, bytes: encodeText(text).length };
    const span = index === 0 ? ({ stream: "sent", from: 0, to: encodeText(message).length } as const) : undefined;
    return { source, event: undefined, frame, ms: atMs - sentAtMs, span, number: 0 };
  });
  const ofEvents = record.events.flatMap((event, at): WireRow[] => {
    const { kind, arrivedMs, atMs, index } = event;
    // The last frame told of it.
    if (kind !== "data" && arrivedMs === undefined) return [];
    const frame: WireFrame = { direction: "received", kind: "binary", name: kindOf(event), bytes: frameBytesOf(event) };
    const ms = (arrivedMs ?? exchange.toPageMs(atMs)) - sentAtMs;
    const isFrame = arrivedMs !== undefined;
    return [{ source: event, event, frame: isFrame ? frame : undefined, ms, span: spanOf(event), number: index - at }];
  });
  // Until here the number of a row is how many are missing before it.
  let missing = 0;
  return [...ofControls, ...ofEvents]
    .toSorted((a, b) => a.ms - b.ms)
    .map((row, at) => {
      missing = Math.max(missing, row.number);
      return { ...row, number: at + 1 + missing };
    });
}

function spanOf({ kind, isFromTarget, offset, byteCount }: StreamEvent): Span | undefined {
  if (kind !== "data") return undefined;
  return { stream: isFromTarget ? "received" : "sent", from: offset, to: offset + byteCount };
}

/** j and k, as in many programs that show lists, and the arrow keys: one further, one back. */
export function stepOf(event: KeyboardEvent): -1 | 0 | 1 {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return 0;
  if (event.key === "j" || event.key === "ArrowDown") return 1;
  if (event.key === "k" || event.key === "ArrowUp") return -1;
  return 0;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}
