/**
 * The record of a stream on one clock: milliseconds since the page sent its frame.
 *
 * The diagram, the notes, the table of steps and the list of frames all draw this and nothing else, so they cannot
 * contradict each other. The server's own times are unknown; what the diagram draws at the server is derived, and marked
 * so.
 */

import { encodeText, steps } from "@wirebook/protocol";
import type {
  EndReason,
  Hop,
  ReadRate,
  ScheduleStep,
  Step,
  StreamEvent,
  StreamRecord,
  TlsFacts,
} from "@wirebook/protocol";
import { flowTimelineOf } from "../../traffic/flow-text.ts";
import type { FlowTimeline } from "../../traffic/flow-text.ts";
import { FrameList } from "../frame-list.ts";
import type { Answer, Stream, Failure } from "../../streams/stream.svelte.ts";

/**
 * Events from the first on, and up to the newest, that are looked at: however long a stream gets, a drawing of it costs
 * the same. All writes of a schedule are among them.
 */
const lookedAtMax = 600;

export type ColouredHop = Exclude<Hop, "gateway">;

/** A read or a write. */
export interface TimelineEvent extends Pick<StreamEvent, "number" | "offset" | "byteCount" | "bytes"> {
  /** When the gateway noted it. */
  readonly ms: number;
  /** When the page knew of it; `undefined` in a record that does not say so. */
  readonly arrivedMs: number | undefined;
}

/** What the server answered, as far as it has come. */
interface TimelineReply {
  readonly bytes: number;
  readonly reads: number;
  /** Bytes before the response; `undefined` while no response has come. */
  readonly responseOffset: number | undefined;
  readonly hasReplyHeader: boolean;
  readonly answer: Answer;
  readonly sentence: string;
}

export interface Timeline {
  readonly transport: "tcp" | "tls" | "unix";
  /** The name of the service. */
  readonly target: string;
  /** True for a stream with a Wirebook server. */
  readonly isWithServer: boolean;
  /** `undefined` of a stream that is no flow. */
  readonly flow: FlowTimeline | undefined;
  readonly isConversation: boolean;
  /** True when it is held open for more than one message. */
  readonly isDialogue: boolean;
  /** The message as written to TCP, without a key. */
  readonly message: string;
  readonly messageBytes: number;
  /** Payload of the first frame. */
  readonly requestBytes: number;
  readonly schedule: readonly ScheduleStep[] | undefined;
  readonly readRate: ReadRate | undefined;
  readonly at: Readonly<Partial<Record<Step, number>>>;
  readonly tls: TlsFacts | undefined;
  readonly openedMs: number | undefined;
  /** Of the writes and reads those among the first and the newest events; `sent` and `reply` count all. */
  readonly writes: readonly TimelineEvent[];
  readonly reads: readonly TimelineEvent[];
  readonly sent: { readonly bytes: number; readonly writes: number };
  readonly reply: TimelineReply;
  /** When the last thing happened that is known of. */
  readonly latestMs: number;
  /** When the page knew that it was over. */
  readonly endedMs: number | undefined;
  readonly end: "running" | "end" | "error" | "lost";
  readonly endReason: EndReason | undefined;
  readonly failure: Failure | undefined;
  /** How wrong the gateway's times may be, to either side; `undefined` when the clocks were never compared. */
  readonly errorMs: number | undefined;
}

/** A stream as it is at one moment, with all that the views draw of it. */
export interface InspectedStream {
  readonly stream: Stream;
  readonly timeline: Timeline;
  readonly list: FrameList;
}

export function inspect(stream: Stream): InspectedStream {
  return { stream, timeline: buildTimeline(stream), list: new FrameList(stream) };
}

export function buildTimeline(stream: Stream): Timeline {
  const { intent, record, controls, failure } = stream;
  const since = (pageMs: number) => pageMs - stream.sentAtMs;
  const sinceGateway = (gatewayMs: number) => since(stream.toPageMs(gatewayMs));
  const at = steps.flatMap((step) => {
    const gatewayMs = record.at[step];
    return gatewayMs === undefined ? [] : [[step, sinceGateway(gatewayMs)] as const];
  });
  const place = (event: StreamEvent): TimelineEvent => {
    const { number, offset, byteCount, bytes, atMs, arrivedMs } = event;
    const arrived = arrivedMs === undefined ? undefined : since(arrivedMs);
    return { number, offset, byteCount, bytes, ms: sinceGateway(atMs), arrivedMs: arrived };
  };
  const opened = controls.find(({ name }) => name === "open");
  const events = lookedAt(record);
  const data = events.filter(({ kind }) => kind === "data");
  const ended = stream.endedAtMs === undefined ? undefined : since(stream.endedAtMs);
  const { latest } = record;
  return {
    transport: intent.target.transport,
    target: intent.target.name,
    isWithServer: stream.isWithServer,
    flow: flowTimelineOf(stream, events),
    isConversation: stream.isConversation,
    isDialogue: stream.isDialogue,
    message: stream.message,
    messageBytes: encodeText(stream.message).length,
    requestBytes: encodeText(controls[0]?.text ?? "").length,
    schedule: intent.schedule,
    readRate: intent.read,
    at: Object.fromEntries(at),
    tls: record.tls,
    openedMs: opened && since(opened.atMs),
    writes: data.filter(({ isFromTarget }) => !isFromTarget).map(place),
    reads: data.filter(({ isFromTarget }) => isFromTarget).map(place),
    sent: { bytes: record.sentBytes, writes: record.writeCount },
    reply: {
      bytes: stream.receivedBytes,
      reads: stream.reads,
      responseOffset: stream.responseOffset,
      hasReplyHeader: stream.header !== undefined,
      answer: stream.answer,
      sentence: stream.answerSentence,
    },
    latestMs: ended ?? (latest === undefined ? 0 : sinceGateway(latest.atMs)),
    endedMs: ended,
    end: endOf(stream),
    endReason: record.outcome?.kind === "ended" ? record.outcome.reason : undefined,
    failure,
    errorMs: stream.clock?.errorMs,
  };
}

function lookedAt(record: StreamRecord): readonly StreamEvent[] {
  const { keptCount } = record;
  const places = Array.from({ length: Math.min(keptCount, 2 * lookedAtMax) }, (_, at) =>
    at < lookedAtMax ? at : Math.max(at, keptCount - 2 * lookedAtMax + at),
  );
  return places.map((place) => record.keptAt(place)).filter((event) => event !== undefined);
}

function endOf({ state, failure }: Stream): Timeline["end"] {
  if (state === "running") return "running";
  if (failure === undefined) return "end";
  return failure.code === "gateway-lost" ? "lost" : "error";
}
