/**
 * What travelled in an exchange, as arrows between page, gateway and server.
 *
 * What happens at the server is not observed. It is drawn half a handshake before or after the gateway's own time, and
 * its arrows are marked as derived.
 */

import { decodeText, encodeText, plainText } from "@wirebook/protocol";
import type { Failure } from "../../exchanges/exchange.svelte.ts";
import type { Span } from "../byte-runs.ts";
import { drawnFirst, drawnLast, drawnOf } from "../timeline/timeline.ts";
import type { ColouredHop, Timeline, TimelineEvent } from "../timeline/timeline.ts";

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
  const sinceWrittenMs = Math.max(0, answerMs - (at.written ?? at.secured ?? at.established));
  return Math.max(0, Math.min(at.established - at.connecting, sinceWrittenMs) / 2);
}

function opening(timeline: Timeline): TimedArrow[] {
  const { transport, at, tls, openedMs, requestBytes, messageBytes } = timeline;
  const arrows = [
    arrow("request", ["page", "gateway"], [0, at.received ?? 0], `text frame, ${requestBytes} B`, {
      isDerived: at.received === undefined,
      span: { stream: "sent", from: 0, to: messageBytes },
    }),
  ];
  if (at.connecting !== undefined) {
    const reachedMs = at.connecting + oneWayMs(timeline);
    const isFailure = at.established === undefined && timeline.end === "error";
    const [asked, answered] = transport === "unix" ? ["connect", "connected"] : ["SYN", "SYN, ACK"];
    const derived = { isDerived: true };
    arrows.push(arrow("connect", ["gateway", "server"], [at.connecting, reachedMs], asked, { ...derived, isFailure }));
    if (at.established !== undefined) {
      arrows.push(arrow("established", ["server", "gateway"], [reachedMs, at.established], answered, derived));
    }
    if (at.established !== undefined && at.secured !== undefined) {
      const name = tls?.version ?? "TLS";
      arrows.push(arrow("secured", ["server", "gateway"], [at.established, at.secured], name, derived));
    }
  }
  if (openedMs !== undefined) {
    arrows.push(arrow("open", ["gateway", "page"], [at.secured ?? at.established ?? openedMs, openedMs], "open"));
  }
  return arrows;
}

/** How many of the reads or writes lie between those that are drawn, and the first and the last of these that is kept. */
function between(events: readonly TimelineEvent[], count: number) {
  const drawn = drawnOf(events);
  const left = events.length > drawn.length ? events.slice(drawnFirst, -drawnLast) : [];
  return { from: left[0], to: left.at(-1), left: count - drawn.length };
}

/** The writes, and then the FIN of the gateway, if there was one. */
function writing(timeline: Timeline): TimedArrow[] {
  const { writes, sent, at } = timeline;
  const oneWay = oneWayMs(timeline);
  const { from, to, left } = between(writes, sent.writes);
  const arrows = drawnOf(writes).map(({ number, offset, byteCount, ms }) =>
    arrow(
      `write ${number}`,
      ["gateway", "server"],
      [ms, ms + oneWay],
      sent.writes === 1 ? `message, ${byteCount} B` : labelOf(timeline.message, offset, byteCount),
      { isDerived: true, span: { stream: "sent", from: offset, to: offset + byteCount } },
    ),
  );
  if (from !== undefined && to !== undefined) {
    const span = { stream: "sent", from: from.offset, to: to.offset + to.byteCount } as const;
    const more = { isDerived: true, span };
    arrows.push(arrow("writes", ["gateway", "server"], [from.ms, from.ms + oneWay], `${left} more`, more));
  }
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
  const { from, left } = between(timeline.reads, timeline.reply.reads);
  const arrows = drawnOf(timeline.reads).flatMap((read) => readArrows(read, oneWayMs(timeline)));
  if (from === undefined) return arrows;
  const { arrivedMs = from.ms } = from;
  return [...arrows, arrow("reads", ["gateway", "page"], [arrivedMs, arrivedMs], `${left} more`, { isDerived: true })];
}

function readArrows(
  { number, offset, byteCount, ms, arrivedMs, frameBytes }: TimelineEvent,
  oneWay: number,
): TimedArrow[] {
  const span: Span = { stream: "received", from: offset, to: offset + byteCount };
  const read = arrow(`read ${number}`, ["server", "gateway"], [ms - oneWay, ms], `read ${number + 1}, ${byteCount} B`, {
    span,
    isDerived: true,
  });
  if (arrivedMs === undefined) return [read];
  return [read, arrow(`bytes ${number}`, ["gateway", "page"], [ms, arrivedMs], `binary, ${frameBytes} B`, { span })];
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
    const more = { isDerived: true, isFailure: true };
    arrows.push(
      arrow(
        "failed",
        ["server", "gateway"],
        [closedMs, closedMs],
        failureLabel(failure.code, timeline.reply.bytes),
        more,
      ),
    );
  }
  if (endedMs === undefined) return arrows;
  if (end === "lost") {
    const more = { isFailure: true, isDerived: true };
    arrows.push(arrow("end", ["gateway", "page"], [endedMs, endedMs], "connection lost", more));
  } else if (closedMs !== undefined) {
    arrows.push(arrow("end", ["gateway", "page"], [closedMs, endedMs], end, { isFailure: end === "error" }));
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
