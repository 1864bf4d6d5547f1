/**
 * What travelled in an exchange, as arrows between browser, gateway and server.
 *
 * What happens at the server is not observed. It is drawn half a handshake before or after the gateway's own time, and
 * its arrows are marked as derived.
 */

import { decodeText, encodeText, plainText } from "@wirebook/protocol";
import type { Span } from "../byte-runs.ts";
import { drawnFirst, drawnLast } from "../timeline/timeline.ts";
import type { ColouredHop, Timeline, TimelineRead, TimelineWrite } from "../timeline/timeline.ts";

/** Bytes of a part of the message that its arrow shows as text. */
const shownBytesMax = 10;

export type Lane = "page" | "gateway" | "server";

/** An arrow, with the times of its two ends. */
export interface TimedArrow {
  /** Unique in its timeline: `request`, `write 0`, `bytes 3`, … */
  readonly id: string;
  readonly from: Lane;
  readonly to: Lane;
  readonly hop: ColouredHop;
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** One of its ends is not an observed time. */
  readonly isDerived: boolean;
  /** It tells of a failure. */
  readonly isFailure: boolean;
  /** The bytes that it carries. */
  readonly span: Span | undefined;
}

type More = Partial<Pick<TimedArrow, "isDerived" | "isFailure" | "span">>;

/** All arrows of a timeline, in the order in which they start on each hop. */
export function arrowsOf(timeline: Timeline): readonly TimedArrow[] {
  return [...opening(timeline), ...writing(timeline), ...reply(timeline), ...ending(timeline)];
}

function arrow(
  id: string,
  [from, to]: readonly [Lane, Lane],
  [fromMs, toMs]: readonly [number, number],
  label: string,
  more: More = {},
): TimedArrow {
  const hop = from === "page" || to === "page" ? "page-gateway" : "gateway-server";
  return { id, from, to, hop, fromMs, toMs, label, isDerived: false, isFailure: false, span: undefined, ...more };
}

/**
 * Half of the handshake is the best guess for one way. It may be too long, when a busy program saw the end of the
 * handshake late: the answer cannot have left before the message arrived.
 */
function oneWayMs({ at }: Timeline): number {
  if (at.established === undefined || at.connecting === undefined) return 0;
  const answerMs = at.firstByte ?? at.fin ?? Infinity;
  const sinceWrittenMs = Math.max(0, answerMs - (at.written ?? at.established));
  return Math.max(0, Math.min(at.established - at.connecting, sinceWrittenMs) / 2);
}

function opening(timeline: Timeline): TimedArrow[] {
  const { at, openedMs, requestBytes, messageBytes } = timeline;
  const arrows = [
    arrow("request", ["page", "gateway"], [0, at.received ?? 0], `text frame, ${requestBytes} B`, {
      isDerived: at.received === undefined,
      span: { stream: "sent", from: 0, to: messageBytes },
    }),
  ];
  if (at.connecting !== undefined) {
    const reachedMs = at.connecting + oneWayMs(timeline);
    const isFailure = at.established === undefined && timeline.end === "error";
    arrows.push(
      arrow("connect", ["gateway", "server"], [at.connecting, reachedMs], "SYN", { isDerived: true, isFailure }),
    );
    if (at.established !== undefined) {
      arrows.push(
        arrow("established", ["server", "gateway"], [reachedMs, at.established], "SYN, ACK", { isDerived: true }),
      );
    }
  }
  if (openedMs !== undefined) {
    arrows.push(arrow("open", ["gateway", "page"], [at.established ?? openedMs, openedMs], "open"));
  }
  return arrows;
}

/** The first writes and the last; those between are counted. Then the FIN of the gateway, if there was one. */
function writing(timeline: Timeline): TimedArrow[] {
  const { writes, at } = timeline;
  const oneWay = oneWayMs(timeline);
  const draw = ({ index, offset, bytes, ms }: TimelineWrite) =>
    arrow(
      `write ${index}`,
      ["gateway", "server"],
      [ms, ms + oneWay],
      writes.length === 1 ? `message, ${bytes} B` : labelOf(timeline.message, offset, bytes),
      { isDerived: true, span: { stream: "sent", from: offset, to: offset + bytes } },
    );
  const first = writes.slice(0, drawnFirst);
  const last = writes.slice(Math.max(drawnFirst, writes.length - drawnLast));
  const left = writes.slice(drawnFirst, writes.length - last.length);
  const arrows = first.map(draw);
  const [between] = left;
  if (between !== undefined) {
    const end = left.at(-1) ?? between;
    const span = { stream: "sent", from: between.offset, to: end.offset + end.bytes } as const;
    const more = { isDerived: true, span };
    arrows.push(arrow("writes", ["gateway", "server"], [between.ms, between.ms + oneWay], `${left.length} more`, more));
  }
  arrows.push(...last.map(draw));
  if (at.ended !== undefined) {
    arrows.push(arrow("ended", ["gateway", "server"], [at.ended, at.ended + oneWay], "FIN", { isDerived: true }));
  }
  return arrows;
}

/** A short part of the message by its text, a longer one by its size. */
function labelOf(message: string, offset: number, bytes: number): string {
  if (bytes > shownBytesMax) return `${bytes} B`;
  const text = decodeText(encodeText(message).subarray(offset, offset + bytes));
  return `"${plainText(text.replaceAll("\n", "↵"))}"`;
}

function reply(timeline: Timeline): TimedArrow[] {
  const { count, fromMs } = timeline.omitted;
  const arrows = timeline.reads.flatMap((read) => readArrows(read, oneWayMs(timeline)));
  if (count === 0) return arrows;
  return [...arrows, arrow("reads", ["gateway", "page"], [fromMs, fromMs], `${count} more`, { isDerived: true })];
}

function readArrows(
  { index, offset, bytes, readMs, handedMs, arrivedMs, frameBytes }: TimelineRead,
  oneWay: number,
): TimedArrow[] {
  const label = `binary, ${frameBytes} B`;
  const span: Span = { stream: "received", from: offset, to: offset + bytes };
  const carry = (fromMs: number, isDerived: boolean) =>
    arrow(`bytes ${index}`, ["gateway", "page"], [fromMs, arrivedMs], label, { span, isDerived });
  if (readMs === undefined) return [carry(arrivedMs, true)];
  return [
    arrow(`read ${index}`, ["server", "gateway"], [readMs - oneWay, readMs], `read ${index + 1}, ${bytes} B`, {
      span,
      isDerived: true,
    }),
    carry(handedMs ?? readMs, false),
  ];
}

function ending(timeline: Timeline): TimedArrow[] {
  const { at, endedMs, end, failure } = timeline;
  const oneWay = oneWayMs(timeline);
  const arrows: TimedArrow[] = [];
  if (at.fin !== undefined) {
    arrows.push(arrow("fin", ["server", "gateway"], [at.fin - oneWay, at.fin], "FIN", { isDerived: true }));
  }
  const closedMs = at.closed ?? at.fin ?? endedMs;
  if (closedMs !== undefined && isClosedEarly(timeline)) {
    arrows.push(arrow("reset", ["gateway", "server"], [closedMs, closedMs + oneWay], "RST", { isDerived: true }));
  }
  if (end === "error" && failure?.hop === "gateway-server" && closedMs !== undefined) {
    const isRst = failure.code === "connect-refused" || failure.code === "connection-reset";
    const more = { isDerived: true, isFailure: true };
    const silence = timeline.reply.bytes === 0 ? "no answer" : "no further bytes";
    arrows.push(arrow("failed", ["server", "gateway"], [closedMs, closedMs], isRst ? "RST" : silence, more));
  }
  if (endedMs === undefined) return arrows;
  if (end === "lost") {
    const more = { isFailure: true, isDerived: true };
    arrows.push(arrow("end", ["gateway", "page"], [endedMs, endedMs], "connection lost", more));
  } else if (closedMs !== undefined) {
    const handedMs = timeline.lastHandedMs ?? closedMs;
    arrows.push(arrow("end", ["gateway", "page"], [handedMs, endedMs], end, { isFailure: end === "error" }));
  }
  return arrows;
}

/** True when this end closed before the server did: by its schedule, or by a cancel [G-5]. */
function isClosedEarly({ at, endReason }: Timeline): boolean {
  if (endReason === "reset") return true;
  return endReason === "cancelled" && at.established !== undefined && at.fin === undefined;
}
