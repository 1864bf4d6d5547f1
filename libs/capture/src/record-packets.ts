/** Recorded streams as packets: the same as if they had been captured while they happened. */

import { decodeTime } from "@wirebook/protocol";
import { decodeBase64 } from "./base64.ts";
import type { Capture } from "./capture.ts";
import type { Conversation } from "./conversation.ts";
import { close } from "./stream-capture.ts";
import type { RecordedEvent, RecordedStream } from "./record.ts";

/** Writes the packets of a stream; false when there are none, because its connection never stood. */
export function captureRecord(capture: Capture, record: RecordedStream): boolean {
  const { target, transport, ends, tls, steps, events, end } = record;
  if (steps.established === undefined || (ends === undefined && transport !== "unix")) return false;
  const originMs = (decodeTime(record.startedAt) ?? 0) / 1000;
  const addresses = ends && { client: ends.client, server: ends.target };
  const conversation = capture.conversation({ ends: addresses, tls, hasKeys: target === "wirebook" });
  conversation.open(originMs + (steps.connecting ?? steps.established), originMs + steps.established);
  for (const event of events) carry(conversation, event, originMs + event.at);
  if (end.how === "running") return true;
  const closedMs = originMs + (steps.closed ?? end.at);
  const finMs = steps.fin === undefined ? closedMs : originMs + steps.fin;
  close(conversation, end.how === "failed" ? end : end.how, finMs, closedMs);
  return true;
}

/** An RST is the end of all: it is written with the reason for it, when the stream is closed. */
function carry(conversation: Conversation, { from, bytes, count = 0, fin, rst }: RecordedEvent, atMs: number): void {
  const side = from === "client" ? "client" : "server";
  if (fin === true) conversation.ended(side, atMs);
  else if (bytes === undefined) conversation.skipped(side, rst === true ? 0 : count);
  else if (side === "client") conversation.wrote(atMs, decodeBase64(bytes));
  else conversation.read(atMs, decodeBase64(bytes));
}
