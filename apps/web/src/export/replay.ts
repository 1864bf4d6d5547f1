/**
 * An exchange from its record: its frames are played again at their times, and nothing is sent.
 *
 * The same code shows it as when it happened. It is marked as loaded, and its clock starts at 0.
 */

import { bytesOfItem } from "@wirebook/capture";
import type { ExchangeRecord, RecordedFrame } from "@wirebook/capture";
import { decodeGatewayFrame, decodePageFrame, decodeTime, encodeBytes } from "@wirebook/protocol";
import type { PageFrame } from "@wirebook/protocol";
import { Exchange, lostPrefix } from "../exchanges/exchange.svelte.ts";
import type { Intent } from "../exchanges/exchange.svelte.ts";
import type { ClockReading } from "../gateway/gateway-socket.ts";

/** Why a record cannot be shown, to be read after the words "exchange N". */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

/**
 * Plays a record.
 *
 * @param fileName where it came from
 * @throws ReplayError when its frames are not those of an exchange
 */
export function replay(record: ExchangeRecord, id: number, fileName: string): Exchange {
  const [first, ...rest] = record.frames;
  if (first?.text === undefined || first.direction !== "sent")
    throw new ReplayError("has no first frame: the page had dropped its bytes before the export");
  const opened = decodePageFrame(first.text);
  if ("problem" in opened) throw new ReplayError(`starts with an invalid frame: ${opened.problem}`);
  const startedAt = new Date((decodeTime(record.startedAt) ?? 0) / 1000);
  const [user = ""] = record.message.trim().split(/[\s~]/u);
  const intent = {
    user,
    message: record.message,
    by: record.by,
    loaded: { fileName, startedAt, note: noteOf(record) },
  };
  const faults = opened.frame.type === "raw" ? faultsOf(opened.frame) : {};
  const purpose = record.purpose === undefined ? {} : { purpose: record.purpose };
  const exchange = new Exchange(id, { ...intent, ...purpose, ...faults }, first.name, {
    atMs: first.at,
    payload: first.text,
  });
  for (const frame of rest) play(exchange, frame, record);
  finish(exchange, record);
  return exchange;
}

function faultsOf({ plan, read }: Extract<PageFrame, { type: "raw" }>): Pick<Intent, "plan" | "read"> {
  return { ...(plan === undefined ? {} : { plan }), ...(read === undefined ? {} : { read }) };
}

function play(
  exchange: Exchange,
  { at: atMs, direction, name, text, wire }: RecordedFrame,
  record: ExchangeRecord,
): void {
  if (text !== undefined && direction === "sent") return exchange.noteSent(name, { atMs, payload: text });
  if (text !== undefined) return playText(exchange, atMs, text, record);
  const item = wire === undefined ? undefined : record.wire[wire];
  const bytes = item && bytesOfItem(item);
  // Bytes that were dropped cannot be shown; the note of the exchange says how many.
  if (bytes !== undefined) exchange.takeBytes(bytes, { atMs, payload: encodeBytes(exchange.id, bytes) });
}

function playText(exchange: Exchange, atMs: number, payload: string, record: ExchangeRecord): void {
  const decoded = decodeGatewayFrame(payload);
  if ("problem" in decoded) throw new ReplayError(`has an invalid frame: ${decoded.problem}`);
  const { frame } = decoded;
  if (frame.type !== "open" && frame.type !== "end" && frame.type !== "error") {
    throw new ReplayError(`has a frame that is not part of an exchange: ${frame.type}`);
  }
  if (exchange.state !== "running") throw new ReplayError("has frames after its end");
  exchange.takeFrame(frame, { atMs, payload }, clockOf(frame.at.received, record));
}

/** The clock reading that puts the gateway's times where they were. */
function clockOf(receivedMs: number | undefined, { steps, clockErrorMs }: ExchangeRecord): ClockReading | undefined {
  if (clockErrorMs === undefined || receivedMs === undefined || steps.received === undefined) return undefined;
  return { offsetMs: receivedMs - steps.received, errorMs: clockErrorMs };
}

function finish(exchange: Exchange, { end }: ExchangeRecord): void {
  if (exchange.state !== "running") return;
  if (end.how === "failed") exchange.lose((end.message ?? "").replace(lostPrefix, ""), end.at);
  else exchange.leaveOpen();
}

function noteOf({ wire, end }: ExchangeRecord): string {
  const lost = wire.filter(({ bytes }) => bytes === undefined).reduce((sum, { count }) => sum + count, 0);
  const notes = [
    ...(end.how === "running" ? ["it was running when it was exported"] : []),
    ...(lost === 0 ? [] : [`${lost} bytes of its reply are missing`]),
  ];
  return notes.join("; ");
}
