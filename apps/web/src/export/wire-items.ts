/** What an exchange brought over TCP, write by write and read by read, in the order of their times. */

import { encodeBase64 } from "@wirebook/capture";
import type { ExchangeMask, WireItem } from "@wirebook/capture";
import type { Exchange } from "../exchanges/exchange.svelte.ts";
import type { LoggedFrame } from "../exchanges/frame-log.ts";

/** An item, and the frame that brought it to the page. */
interface Brought {
  readonly item: WireItem;
  readonly frame: LoggedFrame | undefined;
}

/** All items, and which of them each frame brought. */
interface WireItems {
  readonly wire: WireItem[];
  readonly itemOf: ReadonlyMap<LoggedFrame, number>;
}

/**
 * Lists the items.
 *
 * @param message as it was written, without its key
 * @param mask to which that message was told
 */
export function wireOf(exchange: Exchange, message: Uint8Array, mask: ExchangeMask): WireItems {
  const writes = writesOf(exchange, message).map((item) => ({ item, frame: undefined }));
  // Of two at the same time the write comes first: the order of those that are equal is kept.
  const all = [...writes, ...readsOf(exchange, mask)].toSorted((a, b) => a.item.at - b.item.at);
  const itemOf = new Map(all.flatMap(({ frame }, index) => (frame === undefined ? [] : [[frame, index] as const])));
  return { wire: all.map(({ item }) => item), itemOf };
}

/** Milliseconds since the page sent its first frame, to the microsecond. */
export function since({ sentAtMs }: Exchange, pageMs: number): number {
  return Math.round((pageMs - sentAtMs) * 1000) / 1000;
}

function writesOf(exchange: Exchange, message: Uint8Array): WireItem[] {
  const { writeTimes, at } = exchange;
  const { written } = at;
  const isTimed = writeTimes.length > 0 || written === undefined;
  const known = isTimed ? writeTimes : [[written, message.length] as const];
  let offset = 0;
  return known.map(([ms, count]) => {
    const bytes = message.subarray(offset, (offset += count));
    const atMs = since(exchange, exchange.toPageMs(ms));
    return { at: atMs, from: "client", bytes: encodeBase64(bytes), count: bytes.length };
  });
}

function readsOf(exchange: Exchange, mask: ExchangeMask): Brought[] {
  let known = 0;
  return exchange.frames.frames.flatMap((frame) => {
    const { chunk, payload } = frame;
    if (chunk === undefined) return [];
    const time = { ...timeOf(exchange, frame, chunk.index), from: "server" as const };
    const missing = chunk.offset - known;
    known = chunk.offset + chunk.bytes;
    const gap = missing > 0 ? [{ item: { ...time, count: missing }, frame: undefined }] : [];
    const item = { ...time, count: chunk.bytes };
    if (payload === undefined || typeof payload === "string") return [...gap, { item, frame }];
    const { bytes } = mask.pushReceived(payload.subarray(payload.length - chunk.bytes));
    return [...gap, { item: { ...item, bytes: encodeBase64(bytes) }, frame }];
  });
}

/** When the gateway read a chunk, or when its frame came to the page where that is not known. */
function timeOf(exchange: Exchange, { atMs }: LoggedFrame, index: number): Pick<WireItem, "at" | "isArrival"> {
  const readMs = exchange.chunkTimes[index]?.[0];
  if (readMs === undefined) return { at: since(exchange, atMs), isArrival: true };
  return { at: since(exchange, exchange.toPageMs(readMs)) };
}
