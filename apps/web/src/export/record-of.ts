/** An exchange as its record: what the page knows of it, without its key. */

import { encodeBase64, ExchangeMask } from "@wirebook/capture";
import type { ExchangeRecord, RecordedFrame, WireItem } from "@wirebook/capture";
import { decodeText, encodeText, encodeTime, steps } from "@wirebook/protocol";
import type { Exchange } from "../exchanges/exchange.svelte.ts";
import type { LoggedFrame } from "../exchanges/frame-log.ts";

export function recordOf(exchange: Exchange): ExchangeRecord {
  const mask = new ExchangeMask();
  const message = mask.pushSent(encodeText(exchange.intent.message)).bytes;
  const { purpose } = exchange.intent;
  const { endpoints, clock } = exchange;
  const { wire, itemOf } = wireOf(exchange, message, mask);
  return {
    type: "exchange",
    version: 1,
    startedAt: encodeTime(exchange.sentAt.getTime() * 1000),
    message: decodeText(message),
    by: exchange.intent.by,
    ...(purpose === undefined ? {} : { purpose }),
    ...(endpoints === undefined ? {} : { ends: { client: endpoints.local, server: endpoints.remote } }),
    steps: stepsOf(exchange),
    ...(clock === undefined ? {} : { clockErrorMs: clock.errorMs }),
    wire,
    frames: exchange.frames.frames.flatMap((frame) => frameOf(frame, exchange, message, itemOf)),
    end: endOf(exchange),
  };
}

function stepsOf(exchange: Exchange): ExchangeRecord["steps"] {
  const happened = steps.flatMap((step) => {
    const ms = exchange.at[step];
    return ms === undefined ? [] : [[step, since(exchange, exchange.toPageMs(ms))] as const];
  });
  return Object.fromEntries(happened);
}

function frameOf(
  frame: LoggedFrame,
  exchange: Exchange,
  message: Uint8Array,
  itemOf: ReadonlyMap<LoggedFrame, number>,
): RecordedFrame[] {
  const { direction, name, payload } = frame;
  const base = { at: since(exchange, frame.atMs), direction, name };
  if (typeof payload === "string") return [{ ...base, text: name === "raw" ? maskedRaw(payload, message) : payload }];
  const wire = itemOf.get(frame);
  return wire === undefined ? [] : [{ ...base, wire }];
}

/** The frame holds the message in base64, where a key could still be read. */
function maskedRaw(text: string, message: Uint8Array): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), bytes: encodeBase64(message) });
}

function endOf(exchange: Exchange): ExchangeRecord["end"] {
  const { state, failure, endReason = "cancelled", endedAtMs } = exchange;
  const at = since(exchange, endedAtMs ?? exchange.sentAtMs);
  switch (state) {
    case "running":
      return { how: "running", at };
    case "done":
      return { how: "fin", at };
    case "cancelled":
      return { how: endReason, at };
    case "failed":
      return { how: "failed", at, ...failure };
  }
}

/** What went over TCP, write by write and read by read, and which of the items each frame brought. */
function wireOf(exchange: Exchange, message: Uint8Array, mask: ExchangeMask) {
  const writes = writesOf(exchange, message).map((item) => ({ item, frame: undefined }));
  // Of two at the same time the write comes first: the order of those that are equal is kept.
  const all = [...writes, ...readsOf(exchange, mask)].toSorted((a, b) => a.item.at - b.item.at);
  const itemOf = new Map(all.flatMap(({ frame }, index) => (frame === undefined ? [] : [[frame, index] as const])));
  return { wire: all.map(({ item }) => item), itemOf };
}

/** Milliseconds since the page sent its first frame, to the microsecond. */
function since({ sentAtMs }: Exchange, pageMs: number): number {
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

function readsOf(exchange: Exchange, mask: ExchangeMask): { item: WireItem; frame: LoggedFrame | undefined }[] {
  let known = 0;
  return exchange.frames.frames.flatMap((frame) => {
    const { read, payload } = frame;
    if (read === undefined) return [];
    const time = { ...timeOf(exchange, frame, read.index), from: "server" as const };
    const missing = read.offset - known;
    known = read.offset + read.bytes;
    const gap = missing > 0 ? [{ item: { ...time, count: missing }, frame: undefined }] : [];
    const item = { ...time, count: read.bytes };
    if (payload === undefined || typeof payload === "string") return [...gap, { item, frame }];
    const { bytes } = mask.pushReceived(payload.subarray(payload.length - read.bytes));
    return [...gap, { item: { ...item, bytes: encodeBase64(bytes) }, frame }];
  });
}

/** When the gateway read a read, or when its frame came to the page where that is not known. */
function timeOf(exchange: Exchange, { atMs }: LoggedFrame, index: number): Pick<WireItem, "at" | "isArrival"> {
  const readMs = exchange.readTimes[index]?.[0];
  if (readMs === undefined) return { at: since(exchange, atMs), isArrival: true };
  return { at: since(exchange, exchange.toPageMs(readMs)) };
}
