/**
 * An exchange as the line of a file or link, and back: nothing is sent, and the same code shows it as when it happened.
 *
 * A line has no key, because a `Stream` holds none, and its clock starts at 0. One that was loaded is marked so.
 */

import { decodeBase64, recordedEvents, recordVersion } from "@wirebook/capture";
import type { RecordedEvent, RecordedFrame, RecordedStream } from "@wirebook/capture";
import { decodeTime, encodeText, encodeTime, steps } from "@wirebook/protocol";
import type { ByteFrame, StreamOutcome } from "@wirebook/protocol";
import { Stream } from "../streams/stream.svelte.ts";
import type { Intent } from "../streams/stream.svelte.ts";

/** What the page knows of an exchange. */
export function recordOf(stream: Stream): RecordedStream {
  const { intent, record, clock } = stream;
  const { target, by, purpose, schedule, read } = intent;
  const { local, remote, tls, at } = record;
  const happened = steps.flatMap((step) => (at[step] === undefined ? [] : [[step, sinceGateway(stream, at[step])]]));
  return {
    type: "stream",
    version: recordVersion,
    startedAt: encodeTime(stream.sentAt.getTime() * 1000),
    target: target.name,
    transport: target.transport,
    ...present({ flow: stream.flow }),
    message: stream.message,
    by,
    steps: Object.fromEntries(happened) as RecordedStream["steps"],
    events: recordedEvents(record, {
      at: (atMs) => sinceGateway(stream, atMs),
      arrived: (arrivedMs) => since(stream, arrivedMs),
    }),
    frames: stream.controls.map(({ atMs, direction, name, text }) => ({
      at: since(stream, atMs),
      direction,
      name,
      text,
    })),
    end: endOf(stream),
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
function since({ sentAtMs }: Stream, pageMs: number): number {
  return Math.round((pageMs - sentAtMs) * 1000) / 1000;
}

function sinceGateway(stream: Stream, gatewayMs: number): number {
  return since(stream, stream.toPageMs(gatewayMs));
}

function endOf(stream: Stream): RecordedStream["end"] {
  const { outcome } = stream.record;
  const at = since(stream, stream.endedAtMs ?? stream.sentAtMs);
  if (outcome === undefined) return { how: "running", at };
  if (outcome.kind === "ended") return { how: outcome.reason, at };
  const { code, hop, message } = outcome;
  return { how: "failed", at, code, hop, message };
}

/** Of a flow, which began with its accept, and of a stream of the command line. */
const noFrame: RecordedFrame = { at: 0, direction: "received", name: "", text: "" };

/** The stream of a line, under an id of its own. @param fileName what it was loaded from, if it is not this page's own */
export function streamOf(line: RecordedStream, id: number, fileName?: string): Stream {
  const { target, transport, message, by, ends, end, clockErrorMs } = line;
  const [first = noFrame, ...rest] = line.frames;
  const startedAt = new Date((decodeTime(line.startedAt) ?? 0) / 1000);
  const intent: Intent = {
    target: { name: target, transport, proxyHeaderBytes: 0, ...present({ address: line.address }) },
    user: message.trim().split(/[\s~]/u, 1)[0] ?? "",
    message,
    by,
    end: first.text.includes('"end":true'),
    ...present({ purpose: line.purpose, schedule: line.schedule, read: line.read }),
    startedAt,
    ...(fileName === undefined ? {} : { loaded: { fileName, startedAt, note: noteOf(line) } }),
  };
  const stream = new Stream(id, intent, first.name, { atMs: first.at, text: first.text });
  const { record } = stream;
  for (const { direction, name, at, text } of rest) stream.noteControl(direction, name, { atMs: at, text });
  stream.clock = clockErrorMs === undefined ? undefined : { offsetMs: 0, errorMs: clockErrorMs };
  for (const step of steps) if (line.steps[step] !== undefined) record.mark(step, line.steps[step]);
  stream.flow = line.flow;
  for (const event of line.events) play(stream, event);
  record.local = ends?.client;
  record.remote = ends?.target;
  record.tls = line.tls;
  stream.end(outcomeOf(end), end.at);
  return stream;
}

function outcomeOf(end: RecordedStream["end"]): StreamOutcome {
  // Of one that was running when its record was made the end is unknown.
  if (end.how !== "failed") return { kind: "ended", reason: end.how === "running" ? "cancelled" : end.how };
  const { code, hop, message } = end;
  return { kind: "failed", code, hop, message };
}

function play(stream: Stream, event: RecordedEvent): void {
  const { at: atMs, from, count = 0, rst, bytes, arrived, queued: queuedKiB = 0 } = event;
  const isFromTarget = from === "target";
  if (stream.flow !== undefined) return playFlow(stream, event);
  // Bytes that were dropped cannot be shown; the note of the exchange says how many.
  if (event.count !== undefined && isFromTarget && bytes === undefined) {
    return stream.record.read(count, atMs, { queuedKiB, arrivedMs: arrived });
  }
  if (!isFromTarget && bytes !== undefined) {
    // The stream has its message already.
    const known = encodeText(stream.message).length - stream.record.sentBytes;
    stream.record.sending(decodeBase64(bytes).subarray(Math.max(0, known)));
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
  stream.takeBytes(frame, arrived, stream.clock);
}

/** A flow is played as it was watched. Bytes that were dropped leave a gap. */
function playFlow(stream: Stream, event: RecordedEvent): void {
  const { at: atMs, from, leg = "target", count, rst, taken, bytes, waits = false } = event;
  const isFromTarget = from === "target";
  const { sentBytes, receivedBytes } = stream.record;
  if (count !== undefined && bytes === undefined) {
    return stream.noteGap(sentBytes + (isFromTarget ? 0 : count), receivedBytes + (isFromTarget ? count : 0));
  }
  stream.takeFlowBytes({
    kind: count !== undefined ? "data" : taken !== undefined ? "written" : rst === true ? "rst" : "fin",
    leg,
    isFromTarget,
    isAfterGap: false,
    isWaiting: waits,
    queuedKiB: 0,
    atMs,
    writtenBytes: taken ?? 0,
    bytes: decodeBase64(bytes ?? ""),
  });
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
