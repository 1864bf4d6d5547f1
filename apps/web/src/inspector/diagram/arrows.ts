/**
 * What travelled, as arrows between three lanes.
 *
 * What happens at the server is not observed. It is drawn half a handshake before or after the gateway's own time, and
 * its arrows are marked as derived. Nothing is known of the times of a flow's client: the arrows of its connection are
 * level, at the gateway's time. A read goes on when it came, or, where it waited, when the other leg took it.
 */

import { byteFrameHeaderBytes, decodeText, plainText, type Hop, type StreamEvent } from "@wirebook/protocol";
import { serverName } from "../../gateway/targets.ts";
import type { ControlFrame, Failure } from "../../streams/stream.svelte.ts";
import type { FrameRow } from "../frame-list.ts";
import type { Mark } from "../highlight.svelte.ts";
import type { Timeline } from "../timeline/timeline.ts";

/** Characters of a write that its arrow shows as text. */
const shownCharactersMax = 10;

type Lane = 0 | 1 | 2;
type Way = readonly [from: Lane, to: Lane];

const toGateway: Way = [0, 1];
const toServer: Way = [1, 2];
const fromServer: Way = [2, 1];
const toPage: Way = [1, 0];

export function lanesOf({ flow, target }: Pick<Timeline, "flow" | "target">): readonly [string, string, string] {
  if (flow !== undefined) return [flow.via === "presented" ? "presenter" : "client", "gateway", target];
  return ["browser", "gateway", target === serverName ? "server" : target];
}

export interface TimedArrow extends Pick<Mark, "span" | "source"> {
  /** Unique in its stream: `request`, `write 0`, `bytes 3`, … */
  readonly id: string;
  readonly from: Lane;
  readonly to: Lane;
  readonly hop: Hop;
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** One of its ends is not an observed time. */
  readonly isDerived?: boolean;
  readonly isFailure?: boolean;
}

export function markOf({ id, span, source, label }: TimedArrow): Mark {
  return { span, source, arrows: [id], name: label };
}

/** The arrows of these rows, in the order in which they start. @param isToEnd true when no row is behind them */
export function arrowsOf(timeline: Timeline, rows: readonly FrameRow[], isToEnd: boolean): readonly TimedArrow[] {
  const arrows = rows.flatMap((row) =>
    "text" in row.source ? ofControl(timeline, row.source, row, rows) : ofEvent(timeline, row.source, row),
  );
  const around = timeline.flow !== undefined ? opening(timeline, rows) : isToEnd ? closing(timeline) : [];
  return [...around, ...arrows].toSorted((a, b) => a.fromMs - b.fromMs);
}

type More = Pick<TimedArrow, "isDerived" | "isFailure" | "span" | "source">;

function arrow(id: string, [from, to]: Way, fromMs: number, toMs: number, label: string, more: More = {}): TimedArrow {
  const hop = from === 0 || to === 0 ? "page-gateway" : "gateway-server";
  return { id, from, to, hop, fromMs, toMs, label, ...more };
}

/** Half of the handshake, the best guess for one way; less where the answer would have left before the message arrived. */
function oneWayMs({ at }: Timeline): number {
  if (at.established === undefined || at.connecting === undefined) return 0;
  const answerMs = at.firstByte ?? at.fin ?? Infinity;
  const sinceWrittenMs = Math.max(0, answerMs - (at.written ?? at.secured ?? at.established));
  return Math.max(0, Math.min(at.established - at.connecting, sinceWrittenMs) / 2);
}

function ofControl(timeline: Timeline, source: ControlFrame, row: FrameRow, rows: readonly FrameRow[]): TimedArrow[] {
  const { at, end } = timeline;
  const { ms, span, frame } = row;
  const { name, direction, byteCount = 0 } = source;
  if (name === "request" || name === "connect") {
    const more = { isDerived: at.received === undefined, span, source };
    const label = `text frame, ${frame?.bytes} B`;
    // The error of the clocks may put its arrival before its start.
    const receivedMs = Math.max(0, at.received ?? 0);
    return [arrow("request", toGateway, 0, receivedMs, label, more), ...handshake(timeline)];
  }
  if (name === "open") return [arrow("open", toPage, at.secured ?? at.established ?? ms, ms, "open", { source })];
  if (direction === "received")
    return [arrow("end", toPage, at.closed ?? at.fin ?? ms, ms, name, { isFailure: end === "error", source })];
  // Of what the page sends later the gateway notes what it did, not the arrival of the frame.
  const more = { isDerived: true, span, source };
  const reached = (doneMs = ms) => Math.max(ms, doneMs);
  if (span === undefined)
    return [arrow(`asked ${name}`, toGateway, ms, reached(name === "end" ? at.ended : at.closed), name, more)];
  const write = rows.find((each) => each.event && each.span?.stream === "sent" && each.span.to > span.from);
  const label = `binary, ${byteFrameHeaderBytes + byteCount} B`;
  return [arrow(`sent ${span.from}`, toGateway, ms, reached(write?.gatewayMs), label, more)];
}

function handshake(timeline: Timeline): TimedArrow[] {
  const { transport, at, tls, end } = timeline;
  if (at.connecting === undefined) return [];
  const reachedMs = at.connecting + oneWayMs(timeline);
  const isFailure = at.established === undefined && end === "error";
  const isDerived = true;
  const [asked, answered] = transport === "unix" ? ["connect", "connected"] : ["SYN", "SYN, ACK"];
  const arrows = [arrow("connect", toServer, at.connecting, reachedMs, asked, { isDerived, isFailure })];
  if (at.established === undefined) return arrows;
  arrows.push(arrow("established", fromServer, reachedMs, at.established, answered, { isDerived }));
  if (at.secured === undefined) return arrows;
  return [...arrows, arrow("secured", fromServer, at.established, at.secured, tls?.version ?? "TLS", { isDerived })];
}

function ofEvent(timeline: Timeline, source: StreamEvent, { ms, gatewayMs, span, frame }: FrameRow): TimedArrow[] {
  const { kind, leg, isFromTarget, isWaiting, number, index, byteCount } = source;
  const isFlow = timeline.flow !== undefined;
  const draw = (on: StreamEvent["leg"], id: string, label: string, isFailure = false) => {
    const [wayMs, arrivedMs] = on === "client" ? [0, ms] : [oneWayMs(timeline), gatewayMs];
    const [fromMs, toMs] = isFromTarget ? [gatewayMs - wayMs, arrivedMs] : [gatewayMs, arrivedMs + wayMs];
    const way = on === "client" ? (isFromTarget ? toPage : toGateway) : isFromTarget ? fromServer : toServer;
    return arrow(id, way, fromMs, toMs, label, { isDerived: on === "target", isFailure, span, source });
  };
  const frameToPage = (id: string) =>
    frame === undefined || !isFromTarget ? [] : [draw("client", id, `binary, ${frame.bytes} B`)];
  if (kind === "written") return [draw(leg, `taken ${index}`, `${byteCount} B went on`)];
  if (kind !== "data") {
    const id = kind === "rst" ? "rst" : isFromTarget ? "fin" : "ended";
    return [draw(leg, isFlow ? `${id} ${leg}` : id, kind.toUpperCase(), kind === "rst"), ...frameToPage("bytes fin")];
  }
  const id = isFromTarget ? `read ${number}` : `write ${number}`;
  const came = draw(leg, id, isFromTarget ? `read ${number + 1}, ${byteCount} B` : writeLabel(timeline, source));
  if (!isFlow) return [came, ...frameToPage(`bytes ${number}`)];
  if (isWaiting === true) return [came];
  return [came, draw(leg === "client" ? "target" : "client", `${id} on`, `${byteCount} B`)];
}

/** A short write by its text without the line end, a longer one by its size. */
function writeLabel(timeline: Timeline, { bytes, byteCount }: StreamEvent): string {
  if (timeline.sent.writes === 1 && !timeline.isDialogue) return `message, ${byteCount} B`;
  const text = bytes === undefined || byteCount > shownCharactersMax ? "" : decodeText(bytes);
  const line = plainText(text.replace(/[\r\n]+$/u, ""));
  if (text !== "" && line === "") return text.replaceAll("\r", "CR ").replaceAll("\n", "LF ").trim();
  return line === "" || line.length > shownCharactersMax ? `${byteCount} B` : `"${line}"`;
}

/** How a flow began, where its first event is drawn. */
function opening(timeline: Timeline, rows: readonly FrameRow[]): readonly TimedArrow[] {
  const { at, flow } = timeline;
  if ((rows[0]?.event?.index ?? 0) > 0) return [];
  if (flow?.via === "presented") return handshake(timeline);
  const acceptedMs = at.received ?? 0;
  const label = flow?.via === "listen" ? "SYN" : "accept";
  return [arrow("accept", toGateway, acceptedMs, acceptedMs, label, { isDerived: true }), ...handshake(timeline)];
}

/** What ended the stream and has no frame of its own. */
function closing(timeline: Timeline): TimedArrow[] {
  const { at, endedMs, end, endReason, failure, reply } = timeline;
  const closedMs = at.closed ?? at.fin ?? endedMs;
  const failed = { isDerived: true, isFailure: true };
  if (end === "lost" && endedMs !== undefined)
    return [arrow("end", toPage, endedMs, endedMs, "connection lost", failed)];
  if (closedMs === undefined) return [];
  // This end closed before the server did: by its schedule, by a cancel [G-5], or since the gateway stopped.
  const isLeft = endReason === "cancelled" || failure?.code === "shutting-down";
  if (endReason === "reset" || (isLeft && at.established !== undefined && at.fin === undefined))
    return [arrow("reset", toServer, closedMs, closedMs + oneWayMs(timeline), "RST", { isDerived: true })];
  if (end !== "error" || failure?.hop !== "gateway-server") return [];
  return [arrow("failed", fromServer, closedMs, closedMs, failureLabel(failure.code, reply.bytes), failed)];
}

function failureLabel(code: Failure["code"], receivedBytes: number): string {
  if (code === "connect-refused" || code === "connection-reset") return "RST";
  if (code.startsWith("tls-")) return "TLS failed";
  return receivedBytes === 0 ? "no answer" : "no further bytes";
}
