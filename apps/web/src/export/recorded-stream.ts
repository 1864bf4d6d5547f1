/**
 * An exchange as the line of a file or link, and back: nothing is sent, and the same code shows it as when it happened.
 *
 * A line has no key, and its clock starts at 0. One that was loaded is marked so.
 */

import { decodeBase64, encodeBase64, ExchangeMask, recordVersion } from "@wirebook/capture";
import type { RecordedEvent, RecordedFrame, RecordedStream } from "@wirebook/capture";
import { decodeText, decodeTime, encodeText, encodeTime, steps } from "@wirebook/protocol";
import type { ByteFrame, StreamEvent, StreamOutcome } from "@wirebook/protocol";
import { Exchange } from "../exchanges/exchange.svelte.ts";
import type { ControlFrame, Intent } from "../exchanges/exchange.svelte.ts";

/** What the page knows of an exchange. */
export function recordOf(exchange: Exchange): RecordedStream {
  const { intent, record, clock } = exchange;
  const { target, by, purpose, schedule, read } = intent;
  const message = masked(exchange, encodeText(intent.message));
  const { local, remote, tls, at } = record;
  const happened = steps.flatMap((step) => (at[step] === undefined ? [] : [[step, sinceGateway(exchange, at[step])]]));
  return {
    type: "stream",
    version: recordVersion,
    startedAt: encodeTime(exchange.sentAt.getTime() * 1000),
    target: target.name,
    transport: target.transport,
    message: decodeText(message),
    by,
    steps: Object.fromEntries(happened) as RecordedStream["steps"],
    events: eventsOf(exchange),
    frames: exchange.controls.map((frame) => frameOf(exchange, frame, message)),
    end: endOf(exchange),
    ...present({
      address: target.address,
      purpose,
      schedule: schedule && [...schedule],
      read,
      ends: local && remote && { client: local, target: remote },
      tls,
      clockErrorMs: clock?.errorMs,
    }),
  };
}

/** The fields that are there. */
function present<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** Milliseconds since the page sent its first frame, to the microsecond. */
function since({ sentAtMs }: Exchange, pageMs: number): number {
  return Math.round((pageMs - sentAtMs) * 1000) / 1000;
}

function sinceGateway(exchange: Exchange, gatewayMs: number): number {
  return since(exchange, exchange.toPageMs(gatewayMs));
}

/** Bytes that were sent, without a key. */
function masked({ isWithServer }: Exchange, bytes: Uint8Array, mask = new ExchangeMask()): Uint8Array {
  return isWithServer ? mask.pushSent(bytes).bytes : bytes;
}

/** In place of events that are not kept, there is one for each direction with their bytes. */
function eventsOf(exchange: Exchange): RecordedEvent[] {
  const { events, omitted } = exchange.record;
  const mask = new ExchangeMask();
  let next = 0;
  return events.flatMap((event) => {
    const at = sinceGateway(exchange, event.atMs);
    const gap = event.index === next ? [] : gapsOf(omitted, at);
    next = event.index + 1;
    return [...gap, { at, ...eventOf(exchange, event, mask) }];
  });
}

function gapsOf({ sentBytes, receivedBytes }: Exchange["record"]["omitted"], at: number): RecordedEvent[] {
  return [
    ...(sentBytes > 0 ? [{ at, from: "client" as const, count: sentBytes }] : []),
    ...(receivedBytes > 0 ? [{ at, from: "target" as const, count: receivedBytes }] : []),
  ];
}

function eventOf(exchange: Exchange, event: StreamEvent, mask: ExchangeMask): Omit<RecordedEvent, "at"> {
  const { kind, isFromTarget, bytes, byteCount, arrivedMs, queuedKiB } = event;
  const shown = bytes && !isFromTarget ? masked(exchange, bytes, mask) : bytes;
  return {
    from: isFromTarget ? "target" : "client",
    ...(kind === "data" ? { count: byteCount } : { [kind]: true }),
    ...present({
      bytes: shown && encodeBase64(shown),
      arrived: arrivedMs === undefined ? undefined : since(exchange, arrivedMs),
      queued: queuedKiB === 0 ? undefined : queuedKiB,
    }),
  };
}

/** A `connect` frame holds the message in base64, where a key could still be read. */
function frameOf(
  exchange: Exchange,
  { atMs, direction, name, text }: ControlFrame,
  message: Uint8Array,
): RecordedFrame {
  const isHiding = name === "connect" && exchange.isWithServer;
  const shown = isHiding ? text.replace(/"bytes":"[^"]*"/, `"bytes":"${encodeBase64(message)}"`) : text;
  return { at: since(exchange, atMs), direction, name, text: shown };
}

function endOf(exchange: Exchange): RecordedStream["end"] {
  const { outcome } = exchange.record;
  const at = since(exchange, exchange.endedAtMs ?? exchange.sentAtMs);
  if (outcome === undefined) return { how: "running", at };
  if (outcome.kind === "ended") return { how: outcome.reason, at };
  const { code, hop, message } = outcome;
  return { how: "failed", at, code, hop, message };
}

/** The exchange of a line, under an id of its own. */
export function exchangeOf(line: RecordedStream, id: number, fileName: string): Exchange {
  const { target, transport, message, by, ends, end, clockErrorMs } = line;
  const [first, ...rest] = line.frames as [RecordedFrame, ...RecordedFrame[]];
  const intent: Intent = {
    target: { name: target, transport, proxyHeaderBytes: 0, ...present({ address: line.address }) },
    user: message.trim().split(/[\s~]/u, 1)[0] ?? "",
    message,
    by,
    ...present({ purpose: line.purpose, schedule: line.schedule, read: line.read }),
    loaded: { fileName, startedAt: new Date((decodeTime(line.startedAt) ?? 0) / 1000), note: noteOf(line) },
  };
  const exchange = new Exchange(id, intent, first.name, { atMs: first.at, text: first.text });
  const { record } = exchange;
  for (const { direction, name, at, text } of rest) exchange.noteControl(direction, name, { atMs: at, text });
  exchange.clock = clockErrorMs === undefined ? undefined : { offsetMs: 0, errorMs: clockErrorMs };
  for (const step of steps) if (line.steps[step] !== undefined) record.mark(step, line.steps[step]);
  for (const event of line.events) play(exchange, event);
  record.local = ends?.client;
  record.remote = ends?.target;
  record.tls = line.tls;
  exchange.end(outcomeOf(end), end.at);
  return exchange;
}

function outcomeOf(end: RecordedStream["end"]): StreamOutcome {
  // Of one that was running when its record was made the end is unknown.
  if (end.how !== "failed") return { kind: "ended", reason: end.how === "running" ? "cancelled" : end.how };
  const { code, hop, message } = end;
  return { kind: "failed", code, hop, message };
}

function play(exchange: Exchange, event: RecordedEvent): void {
  const { at: atMs, from, count = 0, rst, bytes, arrived, queued: queuedKiB = 0 } = event;
  const isFromTarget = from === "target";
  // Bytes that were dropped cannot be shown; the note of the exchange says how many.
  if (event.count !== undefined && isFromTarget && bytes === undefined) {
    return exchange.record.read(count, atMs, { queuedKiB, arrivedMs: arrived });
  }
  const end = rst === true ? "rst" : "fin";
  const kind = event.count === undefined ? end : isFromTarget ? "data" : "written";
  const frame: Omit<ByteFrame, "id"> = {
    kind,
    leg: "target",
    isFromTarget,
    isAfterGap: false,
    queuedKiB,
    atMs,
    writtenBytes: count,
    bytes: decodeBase64(bytes ?? ""),
  };
  exchange.takeBytes(frame, arrived, exchange.clock);
}

function noteOf({ note, events, end }: RecordedStream): string {
  const lost = events.filter(({ bytes, from }) => from === "target" && bytes === undefined);
  const lostBytes = lost.reduce((sum, { count = 0 }) => sum + count, 0);
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(end.how === "running" ? ["it was running when it was exported"] : []),
    ...(lostBytes === 0 ? [] : [`${lostBytes} bytes of its reply are missing`]),
  ];
  return notes.join("; ");
}
