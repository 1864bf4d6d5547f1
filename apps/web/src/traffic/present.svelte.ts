/**
 * Presenting: the page shows its own streams to those who hold a link [G-16]. Nothing is queued: each is a cursor on its record,
 * and frames go while few bytes wait in the WebSocket. What a record has let go of before its turn leaves a gap.
 */

import {
  byteFrameHeaderBytes,
  defined,
  encodeByteFrame,
  flowIdMin,
  flowNameCharactersMax,
  pageFrameBytesMax,
  type FrameErrorCode,
  type GatewayFrame,
  type PageFrame,
  type StepTimes,
  type StreamEvent,
  type StreamOutcome,
} from "@wirebook/protocol";
import type { GatewayConnection } from "../gateway/connection.svelte.ts";
import { presentedAtOnce, presentedStreamsMax, presentEveryMs, presentWaitingBytesMax } from "../limits.ts";
import { sentence } from "../streams/result.ts";
import type { Hidden, Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { Persisted } from "../ui/browser.ts";

type Connection = Pick<GatewayConnection, "send" | "sendBytes" | "waitingBytes" | "hello">;

interface Shown {
  readonly stream: Stream;
  /** Milliseconds to add to its times, so that they are those of the gateway that runs now. */
  readonly shiftMs: number;
  /** The head that was sent, as text. */
  head: string;
  /** The index of the next event. */
  next: number;
  /** Bytes of each direction up to the last frame that was sent. */
  readonly passed: { sent: number; received: number };
  isOver: boolean;
}

/** Bytes that one frame carries: a longer read goes in pieces. */
const pieceBytesMax = pageFrameBytesMax - byteFrameHeaderBytes;

/** A difference of clocks, in milliseconds, that is that of one gateway to itself. */
const sameClockMs = 1000;

/** Errors that answer `present`, or what follows it. */
const refusals: ReadonlySet<FrameErrorCode> = new Set(["forbidden", "presentation-unknown", "too-many-presentations"]);

const dot = 0x2e;

export class Presenter {
  state = $state<"off" | "starting" | "on">("off");
  /** What the link has. */
  token = $state("");
  viewers = $state(0);
  notice = $state("");
  readonly #connection: Connection;
  readonly #streams: Pick<Streams, "list" | "selected">;
  /** The presenter's own secret, which a reload of this tab keeps. */
  readonly #kept = new Persisted("presentation", () => sessionStorage);
  readonly #shown = new Map<Stream, Shown>();
  /** All that were shown once, and those that are not to be. */
  #known = new WeakSet<Stream>();
  #selected: Stream | undefined;
  /** Frames that may still go in this turn. */
  #left = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, streams: Pick<Streams, "list" | "selected">) {
    this.#connection = connection;
    this.#streams = streams;
  }

  /** The address to pass on: beside this page, wherever a proxy puts it. */
  get link(): string {
    return new URL(`guest#watch=${this.token}`, document.baseURI).href;
  }

  /** The gateway is there, for the first time or again: what was presented goes on. */
  open(): void {
    const key = this.#kept.read() ?? "";
    this.state = "off";
    if (key !== "") this.#present({ type: "present", key });
  }

  /** Begins with the newest entries that are there. */
  begin(): void {
    this.#known = new WeakSet(this.#own().slice(0, -presentedStreamsMax));
    this.#present({ type: "present" });
  }

  end(): void {
    this.#connection.send({ type: "unpresent" });
    this.#stop("");
  }

  /** Hides bytes of a stream, or shows them again. What viewers have seen cannot be taken back, and is told. */
  hide(stream: Stream, spans: readonly Hidden[]): void {
    const isMore = spans.some((span) => !stream.hidden.includes(span));
    stream.hidden = spans;
    if (this.state === "on" && isMore && this.#known.has(stream)) {
      this.notice = "Viewers may have seen this, and those who come later will. To take it back, end the presentation.";
    }
    this.wake();
  }

  /** A text frame came; false when it is not about presenting. */
  takeFrame(frame: GatewayFrame): boolean {
    if (frame.type === "presenting") {
      this.token = frame.token;
      this.viewers = frame.viewers;
      this.#kept.write(frame.key);
      this.state = "on";
      this.wake();
      return true;
    }
    if (this.state === "off") return false;
    if (frame.type === "presented-end") {
      this.#stop("The presentation has ended, or goes on in another tab.");
      return true;
    }
    if (frame.type !== "error" || frame.id !== null || !refusals.has(frame.code)) return false;
    this.#stop(sentence(frame.message));
    return true;
  }

  wake(): void {
    if (this.state === "on") this.#timer ??= setTimeout(() => this.#turn(), presentEveryMs);
  }

  #present(frame: Extract<PageFrame, { type: "present" }>): void {
    this.notice = "";
    this.#shown.clear();
    this.#selected = undefined;
    if (this.#connection.send(frame) !== undefined) this.state = "starting";
  }

  #stop(notice: string): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#kept.write("");
    this.state = "off";
    this.viewers = 0;
    this.notice = notice;
  }

  /** The user's own of this visit; those of an earlier one are shown when they are selected. */
  #own(): readonly Stream[] {
    return this.#streams.list.filter(
      ({ intent: { by, startedAt, loaded } }) => by === "user" && (startedAt === undefined || loaded !== undefined),
    );
  }

  #turn(): void {
    this.#timer = undefined;
    if (this.state !== "on") return;
    this.#left = presentedAtOnce;
    for (const stream of this.#own()) if (!this.#known.has(stream)) this.#add(stream);
    this.#select();
    for (const shown of this.#shown.values()) if (!shown.isOver) this.#show(shown);
    if (this.#isFull) this.wake();
  }

  get #isFull(): boolean {
    return this.#left <= 0 || this.#connection.waitingBytes > presentWaitingBytesMax;
  }

  #send(frame: PageFrame): void {
    this.#left -= 1;
    this.#connection.send(frame);
  }

  /** Begins to show a stream, unless so many run that it must wait. */
  #add(stream: Stream): void {
    if (this.#isFull) return;
    if (this.#shown.size >= presentedStreamsMax) {
      const oldest = this.#shown.values().find(({ isOver }) => isOver);
      if (oldest === undefined) return;
      this.#shown.delete(oldest.stream);
    }
    const { timeOrigin = 0 } = this.#connection.hello ?? {};
    const differenceMs = stream.sentAt.getTime() + stream.toPageMs(0) - stream.sentAtMs - timeOrigin;
    const shiftMs = Math.abs(differenceMs) < sameClockMs ? 0 : differenceMs;
    const shown: Shown = { stream, shiftMs, head: "", next: 0, passed: { sent: 0, received: 0 }, isOver: false };
    this.#known.add(stream);
    this.#shown.set(stream, shown);
    this.#sendHead(shown);
  }

  #select(): void {
    const { selected } = this.#streams;
    if (selected === this.#selected) return;
    // One that is too old to be shown by itself is shown when it is selected, as soon as there is room.
    const isWanted = selected?.intent.by === "user";
    if (isWanted && !this.#shown.has(selected)) this.#add(selected);
    const isShown = selected !== undefined && this.#shown.has(selected);
    if (isWanted && !isShown) return;
    this.#selected = selected;
    this.#send({ type: "select", id: isShown ? selected.id : null });
  }

  #show(shown: Shown): void {
    const { stream } = shown;
    this.#sendHead(shown);
    for (const event of stream.record.eventsFrom(shown.next)) {
      if (this.#isFull) return;
      this.#sendEvent(shown, event);
      shown.next = event.index + 1;
    }
    if (stream.state === "running") return;
    const { outcome, at, sentBytes, receivedBytes } = stream.record;
    const totals = { at: shift(at, shown.shiftMs), sentBytes, receivedBytes };
    this.#send({ type: "shown", id: stream.id, outcome: endOf(outcome), ...totals });
    shown.isOver = true;
  }

  #sendHead(shown: Shown): void {
    const { stream, shiftMs } = shown;
    const { received, connecting, established, secured } = stream.at;
    const { local, remote, tls } = stream.record;
    const name = nameOf(stream).slice(0, flowNameCharactersMax) || undefined;
    const head = {
      target: stream.intent.target,
      at: shift({ received, connecting, established, secured }, shiftMs),
      ...defined({ local, remote, tls, name }),
    };
    const text = JSON.stringify(head);
    if (text === shown.head) return;
    shown.head = text;
    this.#send({ type: "show", id: stream.id, stream: head });
  }

  #sendEvent({ stream, shiftMs, passed }: Shown, event: StreamEvent): void {
    const { kind, isFromTarget, leg, offset } = event;
    const way = isFromTarget ? "received" : "sent";
    // Of bytes that the page does not keep, the next frame says that they are missing.
    if (kind === "data" && event.bytes === undefined) return;
    const bytes = withDots(event.bytes ?? new Uint8Array(0), offset, isFromTarget, stream.hidden);
    for (let at = 0; at === 0 || at < bytes.length; at += pieceBytesMax) {
      const isAfterGap = at === 0 && (event.isAfterGap || offset > passed[way]);
      const id = flowIdMin + stream.id;
      const header = { kind, leg, isFromTarget, isAfterGap, queuedKiB: 0, id, atMs: event.atMs + shiftMs };
      const piece = bytes.subarray(at, at + pieceBytesMax);
      this.#connection.sendBytes(encodeByteFrame(header, piece, (length) => new Uint8Array(length)));
      this.#left -= 1;
    }
    passed[way] = offset + event.byteCount;
  }
}

function shift(at: { readonly [Step in keyof StepTimes]: number | undefined }, ms: number): StepTimes {
  return Object.fromEntries(Object.entries(defined(at)).map(([step, atMs]) => [step, atMs + ms]));
}

/** How a stream ended, as frames say it: one that was lost with the gateway was cut off there. */
function endOf(outcome: StreamOutcome | undefined): Extract<PageFrame, { type: "shown" }>["outcome"] {
  if (outcome?.kind === "ended") return { reason: outcome.reason };
  if (outcome === undefined || outcome.code === "gateway-lost") return { reason: "cancelled" };
  const { code, hop, message } = outcome;
  return { code, hop, message };
}

/** The name is the message of an exchange, so it is hidden with it. */
function nameOf({ name, isDialogue, hidden }: Stream): string {
  return !isDialogue && hidden.some(({ isFromTarget }) => !isFromTarget) ? name.replaceAll(/\S/gu, ".") : name;
}

/** Bytes at an offset of their direction, with dots for those that are hidden; line ends stay. */
function withDots(bytes: Uint8Array, offset: number, isFromTarget: boolean, hidden: readonly Hidden[]): Uint8Array {
  const end = offset + bytes.length;
  const spans = hidden.filter((span) => span.isFromTarget === isFromTarget && span.from < end && span.to > offset);
  if (spans.length === 0) return bytes;
  const shown = bytes.slice();
  for (const { from, to } of spans) shown.fill(dot, Math.max(0, from - offset), to - offset);
  for (const [at, byte] of bytes.entries()) if (byte === 0x0a || byte === 0x0d) shown[at] = byte;
  return shown;
}
