/** A stream as the line of a file or link, and back. A line has no key, since a `Stream` holds none. Its clock starts at 0. */

import { endOf, fromStreamRecord, hideKeys, recordVersion, toStreamRecord } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { decodeTime, defined, encodeTime } from "@wirebook/protocol";
import { serverName } from "../gateway/targets.ts";
import { streamBounds } from "../limits.ts";
import { Stream, type Intent } from "../streams/stream.svelte.ts";

export function recordOf(stream: Stream): RecordedStream {
  const { intent, record, clock, sentAtMs, tookMs } = stream;
  const { target, by, purpose, schedule, read } = intent;
  /** Milliseconds since the page sent its first frame, to the microsecond. */
  const since = (pageMs: number) => Math.round((pageMs - sentAtMs) * 1000) / 1000;
  return {
    type: "stream",
    version: recordVersion,
    startedAt: encodeTime(stream.sentAt.getTime() * 1000),
    target: target.name,
    transport: target.transport,
    message: stream.message,
    by,
    ...fromStreamRecord(record, { at: (atMs) => since(stream.toPageMs(atMs)), arrived: since }),
    frames: stream.controls.map(({ atMs, direction, name, text }) => ({ at: since(atMs), direction, name, text })),
    end: endOf(record, since(sentAtMs + tookMs)),
    ...defined({
      flow: stream.flow,
      address: target.address,
      purpose,
      schedule: schedule && [...schedule],
      read,
      clockErrorMs: clock?.errorMs,
    }),
  };
}

/** The stream of a line, under an id of its own. @param fileName what it was loaded from, if it is not this page's own */
export function streamOf(line: RecordedStream, id: number, fileName?: string): Stream {
  const { target: name, transport, address, message, by, purpose, schedule, read, frames, clockErrorMs } = line;
  const startedAt = new Date((decodeTime(line.startedAt) ?? 0) / 1000);
  const record = toStreamRecord(line, streamBounds[by]);
  if (name === serverName && line.flow === undefined) hideKeys(record);
  const intent: Intent = {
    target: { name, transport, proxyHeaderBytes: 0, ...defined({ address }) },
    user: message.trim().split(/[\s~]/u, 1)[0] ?? "",
    message,
    by,
    end: frames[0]?.text.includes('"end":true') ?? false,
    startedAt,
    ...defined({ purpose, schedule, read }),
    ...(fileName === undefined ? {} : { loaded: { fileName, startedAt, note: noteOf(line) } }),
  };
  const [first] = frames;
  const stream = new Stream(id, intent, first?.name ?? "", { atMs: first?.at ?? 0, text: first?.text ?? "" }, record);
  for (const { direction, name: frame, at, text } of frames.slice(1)) {
    stream.noteControl(direction, frame, { atMs: at, text });
  }
  stream.clock = clockErrorMs === undefined ? undefined : { offsetMs: 0, errorMs: clockErrorMs };
  stream.flow = line.flow;
  stream.end(record.outcome, line.end.at);
  return stream;
}

function noteOf({ note, events, end }: RecordedStream): string {
  const lost = events.filter(({ bytes, from }) => from === "target" && bytes === undefined);
  const lostBytes = lost.reduce((sum, { count = 0 }) => sum + count, 0);
  const notes = [
    note,
    end.how === "running" && "it was running when it was exported",
    lostBytes > 0 && `${lostBytes} bytes of its reply are missing`,
  ];
  return notes.filter((each) => typeof each === "string").join("; ");
}
