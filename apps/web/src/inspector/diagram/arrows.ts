/**
 * What travelled, as arrows between browser, gateway and server: those of some rows of the list of frames.
 *
 * What happens at the server is not observed. It is drawn half a handshake before or after the gateway's own time, and
 * its arrows are marked as derived.
 */

import { byteFrameHeaderBytes, decodeText, plainText } from "@wirebook/protocol";
import type { StreamEvent } from "@wirebook/protocol";
import type { ControlFrame, Failure } from "../../streams/stream.svelte.ts";
import type { FrameRow, FrameSource } from "../frame-list.ts";
import type { Mark } from "../highlight.svelte.ts";
import type { ColouredHop, Timeline } from "../timeline/timeline.ts";

/** Bytes of a write that its arrow shows as text. */
const shownBytesMax = 10;

export type Lane = "browser" | "gateway" | "server";

/** An arrow, with the times of its two ends. */
export interface TimedArrow extends Pick<Mark, "span" | "kind"> {
  /** Unique in its stream: `request`, `write 0`, `bytes 3`, … */
  readonly id: string;
  readonly from: Lane;
  readonly to: Lane;
  readonly hop: ColouredHop;
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The frame that it is, or that told of it. */
  readonly source: FrameSource | undefined;
  /** One of its ends is not an observed time. */
  readonly isDerived: boolean;
  /** It tells of a failure. */
  readonly isFailure: boolean;
}

type More = Partial<Pick<TimedArrow, "isDerived" | "isFailure" | "span" | "kind" | "source">>;

/** The rows that are drawn. */
export interface DrawnRows {
  readonly rows: readonly FrameRow[];
  /** True when nothing is behind them. */
  readonly isToEnd: boolean;
  /** The FINs that the last frame told of. */
  readonly untold: readonly FrameRow[];
}

/** The arrows of these rows, in the order in which they start. */
export function arrowsOf(timeline: Timeline, { rows, isToEnd, untold }: DrawnRows): readonly TimedArrow[] {
  const drawn = isToEnd ? [...rows, ...untold] : rows;
  const arrows = drawn.flatMap(({ source, event, ...row }): readonly TimedArrow[] =>
    event !== undefined ? ofEvent(timeline, event, row) : ofControl(timeline, source as ControlFrame, row, rows),
  );
  return [...(isToEnd ? closing(timeline) : []), ...arrows].toSorted((a, b) => a.fromMs - b.fromMs);
}

function arrow(
  id: string,
  [from, to]: readonly [Lane, Lane],
  [fromMs, toMs]: readonly [number, number],
  label: string,
  more: More = {},
): TimedArrow {
  const hop = from === "browser" || to === "browser" ? "page-gateway" : "gateway-server";
  const rest = { isDerived: false, isFailure: false, span: undefined, source: undefined, ...more };
  return { id, from, to, hop, fromMs, toMs, label, ...rest };
}

/**
 * Half of the handshake is the best guess for one way. It may be too long, when a busy program saw the end of the
 * handshake late: the answer cannot have left before the message arrived.
 */
function oneWayMs({ at }: Timeline): number {
  if (at.established === undefined || at.connecting === undefined) return 0;
  const answerMs = at.firstByte ?? at.fin ?? Infinity;
  const sinceWrittenMs = Math.max(0, answerMs - (at.written ?? at.secured ?? at.established));
  return Math.max(0, Math.min(at.established - at.connecting, sinceWrittenMs) / 2);
}

type RowTimes = Pick<FrameRow, "ms" | "gatewayMs" | "span" | "frame">;

function ofControl(
  timeline: Timeline,
  source: ControlFrame,
  { ms, span, frame }: RowTimes,
  rows: readonly FrameRow[],
): readonly TimedArrow[] {
  const { at, end } = timeline;
  const { name, direction } = source;
  if (name === "request" || name === "connect") {
    const request = arrow("request", ["browser", "gateway"], [0, at.received ?? 0], `text frame, ${frame?.bytes} B`, {
      isDerived: at.received === undefined,
      span,
      source,
    });
    return [request, ...handshake(timeline)];
  }
  if (name === "data" && span !== undefined) {
    // The gateway notes the write, not the arrival of the frame.
    const write = rows.find((row) => row.event !== undefined && row.span?.stream === "sent" && row.span.to > span.from);
    const toMs = Math.max(ms, write?.gatewayMs ?? ms);
    const label = `binary, ${byteFrameHeaderBytes + (source.byteCount ?? 0)} B`;
    return [arrow(`sent ${span.from}`, ["browser", "gateway"], [ms, toMs], label, { isDerived: true, span, source })];
  }
  if (direction === "sent") {
    const noted = name === "end" ? at.ended : at.closed;
    const toMs = Math.max(ms, noted ?? ms);
    return [arrow(`asked ${name}`, ["browser", "gateway"], [ms, toMs], name, { isDerived: true, source })];
  }
  if (name === "open") {
    return [arrow("open", ["gateway", "browser"], [at.secured ?? at.established ?? ms, ms], "open", { source })];
  }
  const closedMs = at.closed ?? at.fin ?? ms;
  return [arrow("end", ["gateway", "browser"], [closedMs, ms], name, { isFailure: end === "error", source })];
}

function handshake(timeline: Timeline): TimedArrow[] {
  const { transport, at, tls, end } = timeline;
  if (at.connecting === undefined) return [];
  const reachedMs = at.connecting + oneWayMs(timeline);
  const isFailure = at.established === undefined && end === "error";
  const [asked, answered] = transport === "unix" ? ["connect", "connected"] : ["SYN", "SYN, ACK"];
  const derived = { isDerived: true };
  const arrows = [
    arrow("connect", ["gateway", "server"], [at.connecting, reachedMs], asked, { ...derived, isFailure }),
  ];
  if (at.established !== undefined) {
    arrows.push(arrow("established", ["server", "gateway"], [reachedMs, at.established], answered, derived));
  }
  if (at.established !== undefined && at.secured !== undefined) {
    const name = tls?.version ?? "TLS";
    arrows.push(arrow("secured", ["server", "gateway"], [at.established, at.secured], name, derived));
  }
  return arrows;
}

function ofEvent(
  timeline: Timeline,
  source: StreamEvent,
  { ms, gatewayMs, span, frame }: RowTimes,
): readonly TimedArrow[] {
  const { kind, isFromTarget, number, byteCount, bytes } = source;
  const oneWay = oneWayMs(timeline);
  const toServer: readonly [Lane, Lane] = ["gateway", "server"];
  const onTarget: readonly [Lane, Lane] = isFromTarget ? ["server", "gateway"] : toServer;
  const times: readonly [number, number] = isFromTarget
    ? [gatewayMs - oneWay, gatewayMs]
    : [gatewayMs, gatewayMs + oneWay];
  const toPage = (id: string, label: string, more: More) =>
    frame === undefined ? [] : [arrow(id, ["gateway", "browser"], [gatewayMs, ms], label, { ...more, source })];
  if (kind !== "data") {
    const id = kind === "rst" ? "rst" : isFromTarget ? "fin" : "ended";
    const end = arrow(id, onTarget, times, kind.toUpperCase(), { isDerived: true, isFailure: kind === "rst", source });
    return [end, ...(isFromTarget ? toPage("bytes fin", `binary, ${frame?.bytes} B`, {}) : [])];
  }
  if (!isFromTarget) {
    const label =
      timeline.sent.writes === 1 && !timeline.isDialogue ? `message, ${byteCount} B` : labelOf(bytes, byteCount);
    return [arrow(`write ${number}`, toServer, times, label, { isDerived: true, span, kind: "writes", source })];
  }
  const more = { span, kind: "reads", source };
  const read = arrow(`read ${number}`, onTarget, times, `read ${number + 1}, ${byteCount} B`, {
    ...more,
    isDerived: true,
  });
  return [read, ...toPage(`bytes ${number}`, `binary, ${frame?.bytes} B`, more)];
}

/** A short write by its text without the line end, a longer one by its size. */
function labelOf(bytes: Uint8Array | undefined, byteCount: number): string {
  if (bytes === undefined || byteCount > shownBytesMax) return `${byteCount} B`;
  const text = decodeText(bytes);
  const line = text.replace(/[\r\n]+$/u, "");
  return line === "" ? text.replaceAll("\r", "CR ").replaceAll("\n", "LF ").trim() : `"${plainText(line)}"`;
}

/** What ended the stream and has no frame of its own. */
function closing(timeline: Timeline): TimedArrow[] {
  const { at, endedMs, end, failure, reply } = timeline;
  const arrows: TimedArrow[] = [];
  const closedMs = at.closed ?? at.fin ?? endedMs;
  if (closedMs !== undefined && isClosedEarly(timeline)) {
    const times = [closedMs, closedMs + oneWayMs(timeline)] as const;
    arrows.push(arrow("reset", ["gateway", "server"], times, "RST", { isDerived: true }));
  }
  const more = { isDerived: true, isFailure: true };
  if (end === "error" && failure?.hop === "gateway-server" && closedMs !== undefined) {
    const label = failureLabel(failure.code, reply.bytes);
    arrows.push(arrow("failed", ["server", "gateway"], [closedMs, closedMs], label, more));
  }
  if (end === "lost" && endedMs !== undefined) {
    arrows.push(arrow("end", ["gateway", "browser"], [endedMs, endedMs], "connection lost", more));
  }
  return arrows;
}

function failureLabel(code: Failure["code"], receivedBytes: number): string {
  if (code === "connect-refused" || code === "connection-reset") return "RST";
  if (code.startsWith("tls-")) return "TLS failed";
  return receivedBytes === 0 ? "no answer" : "no further bytes";
}

/** True when this end closed before the server did: by its schedule, or by a cancel [G-5]. */
function isClosedEarly({ at, endReason }: Timeline): boolean {
  if (endReason === "reset") return true;
  return endReason === "cancelled" && at.established !== undefined && at.fin === undefined;
}
