/** Records as packets: the same as if they had been captured while they happened. */

import { decodeTime } from "@wirebook/protocol";
import type { EndReason } from "@wirebook/protocol";
import type { Capture } from "./capture.ts";
import type { Conversation } from "./conversation.ts";
import { close } from "./exchange-capture.ts";
import type { Failed } from "./exchange-capture.ts";
import { bytesOfItem } from "./record.ts";
import type { ExchangeRecord, WireItem } from "./record.ts";

/** Writes the packets of an exchange; false when there are none, because its connection never stood. */
export function captureRecord(capture: Capture, record: ExchangeRecord): boolean {
  const { ends, steps, wire, end } = record;
  if (ends === undefined || steps.established === undefined) return false;
  const originMs = (decodeTime(record.startedAt) ?? 0) / 1000;
  const conversation = capture.conversation(ends);
  conversation.open(originMs + (steps.connecting ?? steps.established), originMs + steps.established);
  const endedMs = steps.ended ?? Infinity;
  const until = wire.findLastIndex(({ at, from }) => from === "client" || at <= endedMs) + 1;
  for (const item of wire.slice(0, until)) carry(conversation, item, originMs);
  if (steps.ended !== undefined) conversation.ended("client", originMs + steps.ended);
  for (const item of wire.slice(until)) carry(conversation, item, originMs);
  if (end.how === "running") return true;
  const closedMs = originMs + (steps.closed ?? end.at);
  close(conversation, howOf(end), originMs + (steps.fin ?? closedMs - originMs), closedMs);
  return true;
}

function carry(conversation: Conversation, item: WireItem, originMs: number): void {
  const bytes = bytesOfItem(item);
  if (bytes === undefined) conversation.skipped(item.from, item.count);
  else if (item.from === "client") conversation.wrote(originMs + item.at, bytes);
  else conversation.read(originMs + item.at, bytes);
}

function howOf({ how, code, message = "" }: ExchangeRecord["end"]): EndReason | Failed {
  return how === "running" || how === "failed" ? { code: code ?? how, message } : how;
}
