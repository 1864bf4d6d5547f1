/**
 * The record of a stream on one clock: milliseconds since the page sent its frame.
 *
 * The diagram, the notes, the table of steps and the list of frames all draw this and nothing else, so they cannot
 * contradict each other. The server's own times are unknown; what the diagram draws at the server is derived, and marked
 * so.
 */

import { encodeText, steps } from "@wirebook/protocol";
import type { EndReason, Hop, ReadRate, ScheduleStep, Step, StreamEvent, TlsFacts } from "@wirebook/protocol";
import { frameBytesOf } from "../../exchanges/byte-frame.ts";
import type { Answer, Exchange, Failure } from "../../exchanges/exchange.svelte.ts";

/** Reads and writes that are drawn one by one, from the first and up to the last; those between are counted. */
export const drawnFirst = 5;
export const drawnLast = 2;

export type ColouredHop = Exclude<Hop, "gateway">;

/** A read or a write. */
export interface TimelineEvent extends Pick<StreamEvent, "number" | "offset" | "byteCount" | "queuedKiB"> {
  /** When the gateway noted it. */
  readonly ms: number;
  /** When the page knew of it; `undefined` in a record that does not say so. */
  readonly arrivedMs: number | undefined;
  readonly frameBytes: number;
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
  /** True for a stream with a Wirebook server. */
  readonly isWithServer: boolean;
  readonly isConversation: boolean;
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
  /** Of the writes and reads the first and the newest; `sent` and `reply` count all. */
  readonly writes: readonly TimelineEvent[];
  readonly reads: readonly TimelineEvent[];
  readonly sent: { readonly bytes: number; readonly writes: number };
  readonly reply: TimelineReply;
  /** When the page knew that it was over. */
  readonly endedMs: number | undefined;
  readonly end: "running" | "end" | "error" | "lost";
  readonly endReason: EndReason | undefined;
  readonly failure: Failure | undefined;
  /** How wrong the gateway's times may be, to either side; `undefined` when the clocks were never compared. */
  readonly errorMs: number | undefined;
}

export function buildTimeline(exchange: Exchange): Timeline {
  const { intent, record, controls, failure } = exchange;
  const since = (pageMs: number) => pageMs - exchange.sentAtMs;
  const sinceGateway = (gatewayMs: number) => since(exchange.toPageMs(gatewayMs));
  const at = steps.flatMap((step) => {
    const gatewayMs = record.at[step];
    return gatewayMs === undefined ? [] : [[step, sinceGateway(gatewayMs)] as const];
  });
  const place = (event: StreamEvent): TimelineEvent => {
    const { number, offset, byteCount, queuedKiB, atMs, arrivedMs } = event;
    const arrived = arrivedMs === undefined ? undefined : since(arrivedMs);
    return {
      number,
      offset,
      byteCount,
      queuedKiB,
      ms: sinceGateway(atMs),
      arrivedMs: arrived,
      frameBytes: frameBytesOf(event),
    };
  };
  const opened = controls.find(({ name }) => name === "open");
  return {
    transport: intent.target.transport,
    isWithServer: exchange.isWithServer,
    isConversation: exchange.isConversation,
    message: exchange.message,
    messageBytes: encodeText(exchange.message).length,
    requestBytes: encodeText(controls[0]?.text ?? "").length,
    schedule: intent.schedule,
    readRate: intent.read,
    at: Object.fromEntries(at),
    tls: record.tls,
    openedMs: opened && since(opened.atMs),
    writes: record.writes.map(place),
    reads: record.reads.map(place),
    sent: { bytes: record.sentBytes, writes: record.writeCount },
    reply: {
      bytes: exchange.receivedBytes,
      reads: exchange.reads,
      responseOffset: exchange.responseOffset,
      hasReplyHeader: exchange.header !== undefined,
      answer: exchange.answer,
      sentence: exchange.answerSentence,
    },
    endedMs: exchange.endedAtMs === undefined ? undefined : since(exchange.endedAtMs),
    end: endOf(exchange),
    endReason: record.outcome?.kind === "ended" ? record.outcome.reason : undefined,
    failure,
    errorMs: exchange.clock?.errorMs,
  };
}

/** Of many reads or writes those that are drawn. */
export function drawnOf(events: readonly TimelineEvent[]): readonly TimelineEvent[] {
  return events.filter((_, at) => at < drawnFirst || at >= events.length - drawnLast);
}

function endOf({ state, failure }: Exchange): Timeline["end"] {
  if (state === "running") return "running";
  if (failure === undefined) return "end";
  return failure.code === "gateway-lost" ? "lost" : "error";
}
