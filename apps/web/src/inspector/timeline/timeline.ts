/**
 * What happened in an exchange, on one clock: milliseconds since the page sent its frame.
 *
 * The diagram, the notes, the table of steps and the list of frames all draw this and nothing else, so they cannot
 * contradict each other. The server's own times are unknown; what the diagram draws at the server is derived, and marked
 * so.
 */

import { encodeText, steps } from "@wirebook/protocol";
import type { EndReason, Hop, PlanStep, ReadPace, Step } from "@wirebook/protocol";
import type { Answer, Exchange, Failure } from "../../exchanges/exchange.svelte.ts";
import type { LoggedFrame } from "../../exchanges/frame-log.ts";

/** Reads and writes that are drawn one by one, from the first and up to the last; those between are counted. */
export const drawnFirst = 5;
export const drawnLast = 2;

export type ColouredHop = Exclude<Hop, "gateway">;

export interface TimelineRead {
  readonly index: number;
  /** Bytes of the reply before it. */
  readonly offset: number;
  readonly bytes: number;
  /** When the gateway handed its frame to the WebSocket; `undefined` as for `readMs`. */
  readonly handedMs: number | undefined;
  /** Bytes that waited for the page before it. */
  readonly waitingBytes: number;
  /** When the gateway read it from TCP; `undefined` before the gateway reports it, or when it was not timed [G-8]. */
  readonly readMs: number | undefined;
  readonly arrivedMs: number;
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
  readonly kind: "request" | "raw";
  /** The message as written to TCP, without a key. */
  readonly message: string;
  readonly messageBytes: number;
  /** Payload of the first frame. */
  readonly requestBytes: number;
  readonly plan: readonly PlanStep[] | undefined;
  readonly readPace: ReadPace | undefined;
  readonly at: Readonly<Partial<Record<Step, number>>>;
  /** The writes of the message to TCP, all of them. */
  readonly writes: readonly TimelineWrite[];
  /** When the gateway handed over its last frame, which says how the exchange ended. */
  readonly lastHandedMs: number | undefined;
  readonly openedMs: number | undefined;
  /** The reads of the reply that are drawn. */
  readonly reads: readonly TimelineRead[];
  /** Those between, and when the first of them arrived. */
  readonly omitted: { readonly count: number; readonly fromMs: number };
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
  const { plan, read: readPace } = exchange.intent;
  const messageBytes = encodeText(exchange.intent.message).length;
  return {
    kind: frames[0]?.name === "raw" ? "raw" : "request",
    message: exchange.message,
    messageBytes,
    requestBytes: frames[0]?.bytes ?? 0,
    plan,
    readPace,
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
    ...readsOf(exchange, frames, sinceGateway),
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
    endReason: exchange.endReason,
    failure: exchange.failure,
    errorMs: exchange.clock?.errorMs,
  };
}

function readsOf(
  exchange: Exchange,
  frames: readonly LoggedFrame[],
  sinceGateway: (gatewayMs: number | undefined) => number | undefined,
): Pick<Timeline, "reads" | "omitted"> {
  const withReads = frames.filter(({ read }) => read !== undefined);
  const first = withReads.slice(0, drawnFirst);
  const last = withReads.slice(Math.max(drawnFirst, withReads.length - drawnLast));
  const afterFirst = withReads[drawnFirst];
  const reads = [...first, ...last].map(({ read, atMs, bytes }) => {
    const index = read?.index ?? 0;
    const time = exchange.readTimes[index];
    // The first frame is `open`. Where the times of the reads end, so do those of their frames.
    const handed = time && exchange.frameTimes[index + 1];
    return {
      index,
      offset: read?.offset ?? 0,
      bytes: read?.bytes ?? 0,
      readMs: sinceGateway(time?.[0]),
      handedMs: sinceGateway(handed?.[0]),
      waitingBytes: handed?.[1] ?? 0,
      arrivedMs: atMs - exchange.sentAtMs,
      frameBytes: bytes,
    };
  });
  const fromMs = afterFirst === undefined ? 0 : afterFirst.atMs - exchange.sentAtMs;
  return { reads, omitted: { count: exchange.reads - reads.length, fromMs } };
}

function endOf({ state, failure }: Exchange): Timeline["end"] {
  if (state === "running") return "running";
  if (failure === undefined) return "end";
  return failure.code === "gateway-lost" ? "lost" : "error";
}

export interface TimelineWrite {
  readonly index: number;
  /** Bytes of the message before it. */
  readonly offset: number;
  readonly bytes: number;
  readonly ms: number;
  /** True when the gateway noted the time; false when it follows from the schedule. */
  readonly isNoted: boolean;
}

export interface Writing extends Pick<Timeline, "plan" | "messageBytes" | "at"> {
  /** Bytes that were taken in total, once that is known. */
  readonly sentBytes: number | undefined;
  /** Time and size of each write as the gateway noted it, once that is known; the first ones [G-8]. */
  readonly noted: readonly (readonly [ms: number, bytes: number])[];
  readonly isRunning: boolean;
}

/**
 * The writes that were made, as far as is known: as the gateway noted them, or by the schedule.
 *
 * The gateway reports its writes when the exchange is over. Until then a message without a schedule counts as written when
 * the connection was established, which it was; the progress of a schedule is not guessed.
 */
export function writesOf(writing: Writing): readonly TimelineWrite[] {
  const { isRunning, plan, messageBytes, at } = writing;
  if (isRunning && at.written === undefined) {
    if (plan !== undefined || at.established === undefined || messageBytes === 0) return [];
    return [{ index: 0, offset: 0, bytes: messageBytes, ms: at.established, isNoted: false }];
  }
  return writing.noted.length > 0 ? notedWrites(writing) : plannedWrites(writing);
}

function notedWrites({ noted }: Writing): TimelineWrite[] {
  let offset = 0;
  return noted.map(([ms, bytes], index) => ({ index, offset: (offset += bytes) - bytes, bytes, ms, isNoted: true }));
}

function plannedWrites({ plan, messageBytes, at, sentBytes }: Writing): TimelineWrite[] {
  if (at.written === undefined || messageBytes === 0) return [];
  const writes: TimelineWrite[] = [];
  let ms = at.written;
  let offset = 0;
  for (const step of plan ?? [{ afterMs: 0, bytes: messageBytes }]) {
    if (!("bytes" in step) || offset + step.bytes > (sentBytes ?? messageBytes)) break;
    const index = writes.length;
    // The gateway noted the time of the first write.
    if (index > 0) ms += step.afterMs;
    writes.push({ index, offset, bytes: step.bytes, ms, isNoted: index === 0 });
    offset += step.bytes;
  }
  return writes;
}
