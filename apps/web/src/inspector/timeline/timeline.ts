/**
 * The record of a stream on one clock: milliseconds since the page sent its frame. The diagram, the notes, the steps and
 * the frames show this and nothing else, so they cannot contradict each other.
 */

import { encodeText, steps, type Hop, type Step, type StreamEvent } from "@wirebook/protocol";
import type { Stream } from "../../streams/stream.svelte.ts";
import { duration } from "../../ui/format.ts";
import { FrameList } from "../frame-list.ts";

/** The first events and the newest that are looked at, so many of each. */
const lookedAtMax = 600;

export type Timeline = Readonly<ReturnType<typeof buildTimeline>>;

/** A stream as it is at one moment, with all that the views draw of it. */
export type InspectedStream = Readonly<ReturnType<typeof inspect>>;

export function inspect(stream: Stream) {
  return { stream, timeline: buildTimeline(stream), list: new FrameList(stream) };
}

export function buildTimeline(stream: Stream) {
  const { intent, record, controls, failure, message, flow, clientName } = stream;
  const since = (pageMs: number) => pageMs - stream.sentAtMs;
  const sinceGateway = (gatewayMs: number) => since(stream.toPageMs(gatewayMs));
  const at: Partial<Record<Step, number>> = {};
  for (const step of steps) if (record.at[step] !== undefined) at[step] = sinceGateway(record.at[step]);
  const { events: all, latest, outcome } = record;
  const events = all.length <= 2 * lookedAtMax ? all : [...all.slice(0, lookedAtMax), ...all.slice(-lookedAtMax)];
  const data = events
    .filter(({ kind }) => kind === "data")
    .map((event): StreamEvent => ({ ...event, atMs: sinceGateway(event.atMs), arrivedMs: undefined }));
  const endedMs = stream.endedAtMs === undefined ? undefined : since(stream.endedAtMs);
  const failed = failure?.code === "gateway-lost" ? ("lost" as const) : ("error" as const);
  const over = failure === undefined ? ("end" as const) : failed;
  return {
    transport: intent.target.transport,
    target: intent.target.name,
    isWithServer: stream.isWithServer,
    flow: flow && {
      ...flow,
      clientName,
      /** Bytes of which only the count is known. */
      missing: { sent: record.omitted.sentBytes, received: record.omitted.receivedBytes },
      /** Reads that the other leg did not take at once. */
      waits: events.filter(({ isWaiting }) => isWaiting).length,
      /** The first reset that was seen or sent: the gateway passes it on. */
      reset: events.find(({ kind }) => kind === "rst"),
    },
    isConversation: stream.isConversation,
    /** True when it is held open for more than one message. */
    isDialogue: stream.isDialogue,
    /** The message as written to TCP, without a key. */
    message,
    messageBytes: encodeText(message).length,
    requestBytes: encodeText(controls[0]?.text ?? "").length,
    schedule: intent.schedule,
    readRate: intent.read,
    at: at as Readonly<typeof at>,
    tls: record.tls,
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
  };
}

export function describePhase({ name, ms }: { readonly name: string; readonly ms: number }): string {
  return `${name} ${duration(ms)}`;
}

/** A part of the time: the hop, or the program that worked, and until when. */
type Bound = readonly [name: string, hop: Hop | "server", untilMs: number | undefined];

/** Where the time of an exchange went, as far as is known; each phase starts where the one before ended. */
export function phasesOf({ at, writes, latestMs, endedMs, isDialogue }: Timeline) {
  const lastWriteMs = writes.at(-1)?.atMs ?? Infinity;
  const writtenMs = Math.min(lastWriteMs, at.firstByte ?? Infinity);
  const work: readonly Bound[] = isDialogue
    ? [["conversation", "server", at.closed ?? latestMs]]
    : [
        ["write", "gateway-server", lastWriteMs === Infinity ? undefined : writtenMs],
        ["server", "server", at.firstByte ?? at.fin],
        ["no answer", "gateway", at.firstByte === undefined ? at.closed : undefined],
        ["reply", "gateway-server", at.closed ?? at.fin],
      ];
  const bounds: readonly Bound[] = [
    ["to the gateway", "page-gateway", at.received],
    ["in the gateway", "gateway", at.connecting],
    ["connect", "gateway-server", at.established],
    ["TLS", "gateway-server", at.secured],
    ...work,
    ["to the page", "page-gateway", endedMs],
  ];
  let fromMs = 0;
  return bounds.flatMap(([name, hop, untilMs]) => {
    if (untilMs === undefined || untilMs <= fromMs) return [];
    const phase = { name, hop, fromMs, ms: untilMs - fromMs };
    fromMs = untilMs;
    return [phase];
  });
}
