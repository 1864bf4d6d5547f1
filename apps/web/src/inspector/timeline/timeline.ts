/**
 * What happened in an exchange, on one clock: milliseconds since the page sent its frame.
 *
 * The diagram, the notes, the table of steps and the list of frames all draw this and nothing else, so they cannot
 * contradict each other. The server's own times are not known to anybody here; what the diagram draws at the server is
 * derived, and marked so.
 */

import { encodeText, steps } from "@wirebook/protocol";
import type { EndReason, Hop, PlanStep, ReadPace, Step } from "@wirebook/protocol";
import { diagramChunksFirst as chunksFirst, diagramChunksLast as chunksLast } from "../../limits.ts";
import type { Exchange } from "../../exchanges/exchange.svelte.ts";
import type { Answer, Failure } from "../../exchanges/intent.ts";
import type { LoggedFrame } from "../../exchanges/frame-log.ts";
import { writesOf } from "./writes.ts";
import type { TimelineWrite } from "./writes.ts";

/** The stretches that have a colour. */
export type ColouredHop = Exclude<Hop, "gateway">;

/** A chunk of the reply on its way. */
export interface TimelineRead {
  readonly index: number;
  /** Bytes of the reply before it. */
  readonly offset: number;
  readonly bytes: number;
  /** The gateway handed its frame to the WebSocket; `undefined` likewise. */
  readonly handedMs: number | undefined;
  /** Bytes that still waited for the page before it. */
  readonly waitingBytes: number;
  /** The gateway read it from TCP; `undefined` while that has not been told, or when it was not timed [G-8]. */
  readonly readMs: number | undefined;
  /** Its frame reached the page. */
  readonly arrivedMs: number;
  /** Length of its WebSocket frame's payload. */
  readonly frameBytes: number;
}

/** What the server answered, as far as it has come. */
interface StoryReply {
  readonly bytes: number;
  readonly chunks: number;
  /** Bytes before the response; `undefined` while no response has come. */
  readonly responseOffset: number | undefined;
  readonly hasReplyHeader: boolean;
  readonly answer: Answer;
  /** The first line of the response. */
  readonly sentence: string;
}

export interface Timeline {
  readonly kind: "request" | "raw";
  /** The message as written to TCP, without a key. */
  readonly message: string;
  readonly messageBytes: number;
  /** Payload of the first frame. */
  readonly requestBytes: number;
  readonly plan: readonly PlanStep[] | undefined;
  readonly read: ReadPace | undefined;
  readonly at: Readonly<Partial<Record<Step, number>>>;
  /** The writes of the message to TCP, all of them. */
  readonly writes: readonly TimelineWrite[];
  /** The gateway handed over its last frame, which says how it ended. */
  readonly lastHandedMs: number | undefined;
  /** The `open` frame reached the page. */
  readonly openedMs: number | undefined;
  /** The first chunks of the reply and the last, as many as `limits.ts` has it. */
  readonly chunks: readonly TimelineRead[];
  /** Those between, and when the first of them arrived. */
  readonly omitted: { readonly count: number; readonly fromMs: number };
  readonly reply: StoryReply;
  /** The page knew that it was over. */
  readonly endedMs: number | undefined;
  readonly end: "running" | "end" | "error" | "lost";
  readonly endReason: EndReason | undefined;
  readonly failure: Failure | undefined;
  /** How wrong the gateway's times may be, to either side; `undefined` when the clocks were never compared. */
  readonly errorMs: number | undefined;
}

/** Tells the story of an exchange as far as it has come. */
export function buildTimeline(exchange: Exchange): Timeline {
  const since = (pageMs: number) => pageMs - exchange.sentAtMs;
  const sinceGateway = (gatewayMs: number | undefined) =>
    gatewayMs === undefined ? undefined : since(exchange.toPageMs(gatewayMs));
  const at: Partial<Record<Step, number>> = {};
  for (const step of steps) {
    const ms = sinceGateway(exchange.at[step]);
    if (ms !== undefined) at[step] = ms;
  }
  const { frames } = exchange.frames;
  const opened = frames.find(({ name }) => name === "open");
  const { plan, read } = exchange.intent;
  const messageBytes = encodeText(exchange.intent.message).length;
  return {
    kind: frames[0]?.name === "raw" ? "raw" : "request",
    message: exchange.message,
    messageBytes,
    requestBytes: frames[0]?.bytes ?? 0,
    plan,
    read,
    at,
    writes: writesOf({
      plan,
      messageBytes,
      at,
      sentBytes: exchange.sentBytes,
      isRunning: exchange.state === "running",
      noted: exchange.writeTimes.map(([gatewayMs, bytes]) => [since(exchange.toPageMs(gatewayMs)), bytes]),
    }),
    lastHandedMs: sinceGateway(exchange.frameTimes.at(-1)?.[0]),
    openedMs: opened && since(opened.atMs),
    ...chunksOf(exchange, frames, sinceGateway),
    reply: {
      bytes: exchange.receivedBytes,
      chunks: exchange.chunks,
      responseOffset: exchange.responseOffset,
      hasReplyHeader: exchange.beginning !== undefined,
      answer: exchange.answer,
      sentence: exchange.answerSentence,
    },
    endedMs: exchange.endedAtMs === undefined ? undefined : since(exchange.endedAtMs),
    end: endOf(exchange),
    endReason: exchange.endReason,
    failure: exchange.failure,
    errorMs: exchange.clock?.errorMs,
  };
}

function chunksOf(
  exchange: Exchange,
  frames: readonly LoggedFrame[],
  sinceGateway: (gatewayMs: number | undefined) => number | undefined,
): Pick<Timeline, "chunks" | "omitted"> {
  const carrying = frames.filter(({ chunk }) => chunk !== undefined);
  const first = carrying.slice(0, chunksFirst);
  const last = carrying.slice(Math.max(chunksFirst, carrying.length - chunksLast));
  const afterFirst = carrying[chunksFirst];
  const chunks = [...first, ...last].map(({ chunk, atMs, bytes }) => {
    const index = chunk?.index ?? 0;
    const read = exchange.chunkTimes[index];
    // Before the frames of the chunks comes `open`; where the times of the chunks end, those of their frames do, too.
    const handed = read && exchange.frameTimes[index + 1];
    return {
      index,
      offset: chunk?.offset ?? 0,
      bytes: chunk?.bytes ?? 0,
      readMs: sinceGateway(read?.[0]),
      handedMs: sinceGateway(handed?.[0]),
      waitingBytes: handed?.[1] ?? 0,
      arrivedMs: atMs - exchange.sentAtMs,
      frameBytes: bytes,
    };
  });
  const fromMs = afterFirst === undefined ? 0 : afterFirst.atMs - exchange.sentAtMs;
  return { chunks, omitted: { count: exchange.chunks - chunks.length, fromMs } };
}

function endOf({ state, failure }: Exchange): Timeline["end"] {
  if (state === "running") return "running";
  if (failure === undefined) return "end";
  return failure.code === "gateway-lost" ? "lost" : "error";
}
