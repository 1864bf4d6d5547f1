/**
 * What happened in an exchange, on one clock: milliseconds since the page sent its frame.
 *
 * The diagram, the table of steps and the list of frames all draw this and nothing else, so they cannot contradict each
 * other. The server's own times are not known to anybody here; what the diagram draws at the server is derived, and
 * marked so.
 */

import { encodeText, steps } from "@wirebook/protocol";
import type { Hop, Step } from "@wirebook/protocol";
import { diagramChunksFirst as chunksFirst, diagramChunksLast as chunksLast } from "../limits.ts";
import type { Exchange } from "../exchange/exchange.svelte.ts";

/** The stretches that have a colour. */
export type ColouredHop = Exclude<Hop, "gateway">;

/** A chunk of the reply on its way. */
export interface StoryChunk {
  readonly index: number;
  readonly bytes: number;
  /** The gateway read it from TCP; `undefined` while that has not been told, or when it was not timed [G-8]. */
  readonly readMs: number | undefined;
  /** Its frame reached the page. */
  readonly arrivedMs: number;
  /** Length of its WebSocket frame's payload. */
  readonly frameBytes: number;
}

export interface Story {
  /** Payload of the first frame. */
  readonly requestBytes: number;
  /** The message, as written to TCP. */
  readonly messageBytes: number;
  readonly at: Readonly<Partial<Record<Step, number>>>;
  /** The `open` frame reached the page. */
  readonly openedMs: number | undefined;
  /** The first chunks of the reply and the last, as many as `limits.ts` has it. */
  readonly chunks: readonly StoryChunk[];
  /** Those between, and when the first of them arrived. */
  readonly omitted: { readonly count: number; readonly fromMs: number };
  /** The page knew that it was over. */
  readonly endedMs: number | undefined;
  readonly end: "running" | "end" | "error" | "lost";
  readonly failedHop: Hop | undefined;
  readonly isRefusedConnection: boolean;
  /** How wrong the gateway's times may be, to either side; `undefined` when the clocks were never compared. */
  readonly errorMs: number | undefined;
}

/** Tells the story of an exchange as far as it has come. */
export function tellStory(exchange: Exchange): Story {
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
  const carrying = frames.filter(({ chunk }) => chunk !== undefined);
  const first = carrying.slice(0, chunksFirst);
  const last = carrying.slice(Math.max(chunksFirst, carrying.length - chunksLast));
  const afterFirst = carrying[chunksFirst];
  const chunks = [...first, ...last].map(({ chunk, atMs, bytes }) => ({
    index: chunk?.index ?? 0,
    bytes: chunk?.bytes ?? 0,
    readMs: sinceGateway(exchange.chunkTimes[chunk?.index ?? 0]?.[0]),
    arrivedMs: since(atMs),
    frameBytes: bytes,
  }));
  return {
    requestBytes: frames[0]?.bytes ?? 0,
    messageBytes: encodeText(exchange.intent.message).length,
    at,
    openedMs: opened && since(opened.atMs),
    chunks,
    omitted: {
      count: exchange.chunks - chunks.length,
      fromMs: afterFirst === undefined ? 0 : since(afterFirst.atMs),
    },
    endedMs: exchange.endedAtMs === undefined ? undefined : since(exchange.endedAtMs),
    end: endOf(exchange),
    failedHop: exchange.failure?.hop,
    isRefusedConnection: exchange.failure?.code === "connect-refused",
    errorMs: exchange.clock?.errorMs,
  };
}

function endOf({ state, failure }: Exchange): Story["end"] {
  if (state === "running") return "running";
  if (failure === undefined) return "end";
  return failure.code === "gateway-lost" ? "lost" : "error";
}
