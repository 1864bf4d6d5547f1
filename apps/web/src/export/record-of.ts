/** An exchange as its record: what the page knows of it, without its key. */

import { encodeBase64, ExchangeMask } from "@wirebook/capture";
import type { ExchangeRecord, RecordedFrame } from "@wirebook/capture";
import { decodeText, encodeText, encodeTime, steps } from "@wirebook/protocol";
import type { Exchange } from "../exchanges/exchange.svelte.ts";
import type { LoggedFrame } from "../exchanges/frame-log.ts";
import { since, wireOf } from "./wire-items.ts";

/** The record of an exchange, as far as it has come. */
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
