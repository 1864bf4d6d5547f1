import {
  Capture,
  decodeSession,
  encodeRecord,
  encodeSessionHead,
  sessionTooBig,
  StreamCapture,
} from "@wirebook/capture";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { plural } from "../ui/format.ts";
import { legsOf } from "../traffic/flow-legs.ts";
import { streamOf, recordOf } from "./recorded-stream.ts";

export type Format = "ndjson" | "pcapng";

const program = "wirebook page";

/** Exchanges as a file; `content` describes what is in it. */
export function exportFile(streams: readonly Stream[], format: Format, now: Date) {
  const name = `wirebook-${now.toISOString().slice(0, 19).replaceAll(":", "")}.${format}`;
  const { parts, content } = format === "ndjson" ? ndjsonOf(streams, now) : pcapngOf(streams);
  return { blob: new Blob(parts, { type: "application/octet-stream" }), name, content };
}

function ndjsonOf(streams: readonly Stream[], now: Date) {
  const lines = streams.map((stream) => encodeRecord(recordOf(stream)));
  return { parts: [encodeSessionHead(program, now), ...lines], content: plural(streams.length, "exchange") };
}

function pcapngOf(streams: readonly Stream[]) {
  const parts: BlobPart[] = [];
  const capture = new Capture({ write: (block) => parts.push(block) > 0 }, program);
  const captured = streams.filter((stream) => capturePackets(capture, stream)).length;
  const without = streams.length - captured;
  const rest = without === 0 ? "" : `; ${plural(without, "exchange")} made no connection and no packets`;
  return { parts, content: `the packets of ${plural(captured, "exchange")}, synthesised${rest}` };
}

/** Writes the packets of a stream, at the calendar time that the page's clock gives for the gateway's. */
export function capturePackets(capture: Capture, stream: Stream): boolean {
  const originMs = stream.sentAt.getTime() + stream.toPageMs(0) - stream.sentAtMs;
  const { transport } = stream.intent.target;
  if (stream.flow === undefined) {
    return new StreamCapture(capture, { originMs, transport, hasKeys: stream.isWithServer }).replay(stream.record);
  }
  // The gateway has masked what is a key.
  const legs = legsOf(stream).map(({ leg, record }) => {
    const options = { originMs, transport: leg === "client" ? ("tcp" as const) : transport, hasKeys: false };
    return new StreamCapture(capture, options).replay(record);
  });
  return legs.includes(true);
}

/** Loads an exported session behind the exchanges of the page; each problem is a sentence. */
export async function loadFile(file: File, streams: Streams) {
  const tooBig = sessionTooBig(file.size);
  if (tooBig !== undefined) return { streams: [], problems: [tooBig] };
  const { records, problems } = decodeSession(new Uint8Array(await file.arrayBuffer()));
  return { streams: records.map((record) => streams.adopt((id) => streamOf(record, id, file.name))), problems };
}
