/**
 * One exchange as the page saw it: what was sent, every frame in both directions, the steps, the reply, the end.
 *
 * Times come from two clocks. The page's own stand in the frames; the gateway's (`at`, `readTimes` and the like) are put onto the
 * page's clock by `toPageMs`, with the reading that held when the exchange ended.
 */

import { ExchangeMask } from "@wirebook/capture";
import {
  authenticationError,
  decodeText,
  encodeBytes,
  encodeText,
  errorPrefix,
  joinBytes,
  ReplyReader,
} from "@wirebook/protocol";
import type {
  EndReason,
  Endpoint,
  FrameErrorCode,
  GatewayFrame,
  Hop,
  PlanStep,
  ReadPace,
  ReplyHeader,
  ReplyPart,
  StepTimes,
} from "@wirebook/protocol";
import type { ClockReading, TimedFrame } from "../gateway/gateway-socket.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import { frameLogBounds, FrameLog } from "./frame-log.ts";
import type { TcpRead } from "./frame-log.ts";
import { AnsweredKey, hideKey, keyOf } from "./keys.ts";

/** What the failure's message begins with when the connection to the gateway was lost. */
export const lostPrefix = "the gateway was lost: ";

/** A time of the gateway's, and a number of bytes. */
export type Timed = readonly [atMs: number, bytes: number];

export interface Failure {
  readonly hop: Hop;
  readonly code: FrameErrorCode | "gateway-lost";
  readonly message: string;
}

export type ExchangeState = "running" | "done" | "cancelled" | "failed";

/** Bytes of the response that are kept to tell an error by its prefix and to repeat its sentence. */
const answerBytesMax = 1024;

/** How the server took the request, by its response. */
export type Answer = "accepted" | "refused" | "unauthenticated";

/** The file or link that an exchange was loaded from. */
interface LoadedFrom {
  readonly fileName: string;
  readonly startedAt: Date;
  /** What is missing in it; empty when nothing is. */
  readonly note: string;
}

export interface Intent {
  readonly user: string;
  /** The message with its line feed, as it goes over TCP. */
  readonly message: string;
  readonly by: "user" | "page";
  /** What the page, or the fault lab, makes it for. */
  readonly purpose?: string;
  /** How the gateway is to write the message and to read the reply, where that was said [G-11]. */
  readonly plan?: readonly PlanStep[];
  readonly read?: ReadPace;
  /** Set when it is a recorded exchange. */
  readonly loaded?: LoadedFrom;
  /** The time of the newest line of the history that the page knew then. */
  readonly after?: string | undefined;
  /** Gets the `name~key` that the server answers to operation 4; the exchange itself keeps and shows no key. */
  readonly onKey?: (user: string) => void;
  readonly onResponse?: (bytes: Uint8Array) => void;
}

/** A control frame that belongs to an exchange. */
export type ExchangeFrame = Extract<GatewayFrame, { type: "open" | "end" | "error" }>;

export class Exchange {
  readonly id: number;
  readonly intent: Intent;
  readonly message: string;
  /** The page's time at which its frame was sent, and the same moment by the calendar. */
  readonly sentAtMs: number;
  readonly sentAt: Date;
  /** Settles when it is over, however it ended. */
  readonly over: Promise<this>;
  state = $state<ExchangeState>("running");
  failure = $state.raw<Failure>();
  header = $state.raw<ReplyHeader>();
  /** The gateway's times of the steps that have happened. */
  at = $state.raw<StepTimes>({});
  /** The gateway's time of each read, known when the exchange is over. */
  readTimes = $state.raw<readonly Timed[]>([]);
  /** The gateway's time of each write to the server, likewise. */
  writeTimes = $state.raw<readonly Timed[]>([]);
  /** When the gateway handed over `open`, each read's frame and the last one, and the bytes that waited before it. */
  frameTimes = $state.raw<readonly Timed[]>([]);
  /** Bytes of the message that the gateway's kernel took, known when the exchange is over. */
  sentBytes = $state.raw<number | undefined>();
  /** How it ended, when it ended without a failure. */
  endReason = $state.raw<EndReason>();
  endpoints = $state.raw<{ readonly local: Endpoint; readonly remote: Endpoint }>();
  clock = $state.raw<ClockReading>();
  /** The page's time at which it knew that the exchange was over. */
  endedAtMs = $state<number>();
  /** Bytes of the reply before its response; `undefined` while that is not known. */
  responseOffset = $state<number>();
  /** True when its bytes were dropped because all exchanges together had too many. */
  isReleased = $state(false);
  readonly #redraw = new RedrawThrottle();
  readonly #frames: FrameLog;
  readonly #reader = new ReplyReader();
  readonly #settle: (self: this) => void;
  readonly #key: string | undefined;
  readonly #mask = new ExchangeMask();
  readonly #answeredKey = new AnsweredKey();
  /** The first bytes of the response. */
  #answer: Uint8Array = new Uint8Array(0);
  #receivedBytes = 0;
  #reads = 0;

  /** @param name what its first frame is called: `request` or `raw` */
  constructor(id: number, intent: Intent, name: string, timed: TimedFrame) {
    this.id = id;
    this.intent = intent;
    this.#frames = new FrameLog(frameLogBounds[intent.by]);
    this.#key = keyOf(intent.message);
    this.message = hideKey(intent.message, this.#key);
    this.#mask.pushSent(encodeText(intent.message));
    this.sentAtMs = timed.atMs;
    this.sentAt = intent.loaded?.startedAt ?? new Date();
    const { promise, resolve } = Promise.withResolvers<this>();
    this.over = promise;
    this.#settle = resolve;
    this.noteSent(name, timed);
  }

  // What grows with every read is redrawn at most once a screen frame; the small facts above are state of their own.
  get frames(): FrameLog {
    this.#redraw.listen();
    return this.#frames;
  }

  get receivedBytes(): number {
    this.#redraw.listen();
    return this.#receivedBytes;
  }

  get reads(): number {
    this.#redraw.listen();
    return this.#reads;
  }

  /** The first line of the response, as far as it is kept. */
  get answerSentence(): string {
    this.#redraw.listen();
    return decodeText(this.#answer).split("\n", 1)[0] ?? "";
  }

  /** Milliseconds from sending to the end, or up to now. */
  get tookMs(): number {
    return (this.endedAtMs ?? performance.now()) - this.sentAtMs;
  }

  get answer(): Answer {
    const { answerSentence } = this;
    if (answerSentence.startsWith(errorPrefix)) return "refused";
    // An unauthenticated user gets no header.
    return answerSentence === authenticationError && this.header === undefined ? "unauthenticated" : "accepted";
  }

  /** A time of the gateway on the page's clock. Without a reading, the frame counts as received when it was sent. */
  toPageMs(gatewayMs: number): number {
    const offsetMs = this.clock?.offsetMs ?? (this.at.received ?? gatewayMs) - this.sentAtMs;
    return gatewayMs - offsetMs;
  }

  /** Settles when it is over, or after so many milliseconds. */
  async overWithin(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([this.over, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
    clearTimeout(timer);
  }

  takeFrame(frame: ExchangeFrame, timed: TimedFrame, clock: ClockReading | undefined): void {
    this.#log("received", frame.type, timed);
    this.clock = clock;
    this.at = frame.at;
    if (frame.type === "open") {
      this.endpoints = { local: frame.local, remote: frame.remote };
      return;
    }
    const { writes = [], chunks = [], frames = [] } = frame;
    this.writeTimes = writes;
    this.readTimes = chunks;
    this.frameTimes = frames;
    this.sentBytes = frame.sentBytes;
    if (frame.type === "end") {
      this.endReason = frame.reason;
      this.#finish(frame.reason === "fin" ? "done" : "cancelled", timed.atMs);
    } else {
      this.failure = { hop: frame.hop, code: frame.code, message: frame.message };
      this.#finish("failed", timed.atMs);
    }
  }

  takeBytes(received: Uint8Array, timed: TimedFrame): void {
    const { bytes, maskedBytes } = this.#mask.pushReceived(received);
    const shown = maskedBytes === 0 ? timed : { ...timed, payload: encodeBytes(this.id, bytes) };
    this.#log("received", "bytes", shown, { index: this.#reads, offset: this.#receivedBytes, bytes: bytes.length });
    this.#reads += 1;
    this.#receivedBytes += bytes.length;
    this.#takePart(this.#reader.push(bytes));
    const user = this.intent.onKey && this.#answeredKey.push(received);
    if (user !== undefined && this.#mask.asksForKey) this.intent.onKey?.(user);
  }

  noteSent(name: string, timed: TimedFrame): void {
    this.#log("sent", name, timed);
  }

  /** The connection to the gateway was lost; what was shown stays. */
  lose(reason: string, atMs: number): void {
    this.failure = { hop: "page-gateway", code: "gateway-lost", message: `${lostPrefix}${reason}` };
    this.#finish("failed", atMs);
  }

  /** It was running when its record was made, so its end is unknown. */
  leaveOpen(): void {
    this.#finish("cancelled", this.#frames.frames.at(-1)?.atMs ?? this.sentAtMs);
  }

  /** Drops the bytes, and returns how many. */
  release(): number {
    this.isReleased = true;
    this.#redraw.mark();
    return this.#frames.release();
  }

  #finish(state: ExchangeState, atMs: number): void {
    this.#takePart(this.#reader.finish());
    this.state = state;
    this.endedAtMs = atMs;
    this.#redraw.mark();
    this.#settle(this);
  }

  #takePart({ header, response }: ReplyPart): void {
    this.header ??= header;
    if (response.length === 0) return;
    this.responseOffset ??= this.#receivedBytes - response.length;
    const missing = answerBytesMax - this.#answer.length;
    if (missing > 0) this.#answer = joinBytes(this.#answer, response.slice(0, missing));
    this.intent.onResponse?.(response);
  }

  #log(direction: "sent" | "received", name: string, { atMs, payload }: TimedFrame, read?: TcpRead): void {
    const isText = typeof payload === "string";
    this.#frames.add({
      direction,
      kind: isText ? "text" : "binary",
      name,
      atMs,
      bytes: isText ? new TextEncoder().encode(payload).length : payload.length,
      read,
      payload: isText ? hideKey(payload, this.#key) : payload,
    });
    this.#redraw.mark();
  }
}
