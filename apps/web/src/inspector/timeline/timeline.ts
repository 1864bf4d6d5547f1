/**
 * The record of a stream on one clock: milliseconds since the page sent its frame. The diagram, the notes, the steps and
 * the frames show this and nothing else, so they cannot contradict each other.
 */

import { encodeText, steps } from "@wirebook/protocol";
import type { Hop, Step, StreamEvent } from "@wirebook/protocol";
import { flowTimelineOf } from "../../traffic/flow-text.ts";
import type { Stream } from "../../streams/stream.svelte.ts";
import { FrameList } from "../frame-list.ts";

/** The first events and the newest that are looked at, so many of each; all writes of a schedule are among them. */
const lookedAtMax = 600;

export type ColouredHop = Exclude<Hop, "gateway">;

export type Timeline = Readonly<ReturnType<typeof buildTimeline>>;

/** A stream as it is at one moment, with all that the views draw of it. */
export type InspectedStream = Readonly<ReturnType<typeof inspect>>;

export function inspect(stream: Stream) {
  return { stream, timeline: buildTimeline(stream), list: new FrameList(stream) };
}

export function buildTimeline(stream: Stream) {
  const { intent, record, controls, failure, message, clock } = stream;
  const since = (pageMs: number) => pageMs - stream.sentAtMs;
  const sinceGateway = (gatewayMs: number) => since(stream.toPageMs(gatewayMs));
  const at: Partial<Record<Step, number>> = {};
  for (const step of steps) if (record.at[step] !== undefined) at[step] = sinceGateway(record.at[step]);
  const { events: all, latest, outcome } = record;
  const events = all.length <= 2 * lookedAtMax ? all : [...all.slice(0, lookedAtMax), ...all.slice(-lookedAtMax)];
  const placed = events.map((event): StreamEvent => {
    const arrivedMs = event.arrivedMs === undefined ? undefined : since(event.arrivedMs);
    return { ...event, atMs: sinceGateway(event.atMs), arrivedMs };
  });
  const data = placed.filter(({ kind }) => kind === "data");
  const openedMs = controls.find(({ name }) => name === "open")?.atMs;
  const endedMs = stream.endedAtMs === undefined ? undefined : since(stream.endedAtMs);
  const failed = failure?.code === "gateway-lost" ? ("lost" as const) : ("error" as const);
  const over = failure === undefined ? ("end" as const) : failed;
  return {
    transport: intent.target.transport,
    target: intent.target.name,
    isWithServer: stream.isWithServer,
    /** `undefined` of a stream that is no flow. */
    flow: flowTimelineOf(stream, events),
    isConversation: stream.isConversation,
    /** True when it is held open for more than one message. */
    isDialogue: stream.isDialogue,
    /** The message as written to TCP, without a key. */
    message,
    messageBytes: encodeText(message).length,
    /** Payload of the first frame. */
    requestBytes: encodeText(controls[0]?.text ?? "").length,
    schedule: intent.schedule,
    readRate: intent.read,
    at: at as Readonly<typeof at>,
    tls: record.tls,
    openedMs: openedMs && since(openedMs),
    /** Those that are looked at, with their times on this clock; `sent` and `reply` count all. */
    writes: data.filter(({ isFromTarget }) => !isFromTarget) as readonly StreamEvent[],
    reads: data.filter(({ isFromTarget }) => isFromTarget) as readonly StreamEvent[],
    sent: { bytes: record.sentBytes, writes: record.writeCount },
    reply: {
      bytes: stream.receivedBytes,
      reads: stream.reads,
      /** Bytes before the response; `undefined` while no response has come. */
      responseOffset: stream.responseOffset,
      hasReplyHeader: stream.header !== undefined,
      answer: stream.answer,
      sentence: stream.answerSentence,
    },
    /** When the last thing happened that is known of, and when the page knew that it was over. */
    latestMs: endedMs ?? (latest === undefined ? 0 : sinceGateway(latest.atMs)),
    endedMs,
    end: stream.state === "running" ? ("running" as const) : over,
    endReason: outcome?.kind === "ended" ? outcome.reason : undefined,
    failure,
    /** How wrong the gateway's times may be, to either side; `undefined` when the clocks were never compared. */
    errorMs: clock?.errorMs,
  };
}
