/**
 * One exchange as the page saw it: what was sent, every frame in both directions, the steps, the reply, the end.
 *
 * Times come from two clocks. The page's own stand in the frames; the gateway's (`at`, `chunkTimes` and the like) are put onto the
 * page's clock by `toPageMs`, with the reading that held when the exchange ended.
 */

import { ExchangeMask } from "@wirebook/capture";
import { encodeBytes, encodeText, ReplyReader } from "@wirebook/protocol";
import type { ReplyHeader, EndReason, Endpoint, GatewayFrame, ReplyPart, StepTimes } from "@wirebook/protocol";
import type { ClockReading } from "../gateway/clock.ts";
import type { TimedFrame } from "../gateway/gateway-socket.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import { AnswerStart } from "./answer-start.ts";
import { AnsweredKey } from "./answered-key.ts";
import { boundsOfOwn, FrameLog } from "./frame-log.ts";
import type { Chunk } from "./frame-log.ts";
import type { Answer, ExchangeState, Failure, Intent, Timed } from "./intent.ts";
import { hideKey, keyOf } from "./secrets.ts";

/** A control frame that belongs to an exchange. */
export type ExchangeFrame = Extract<GatewayFrame, { type: "open" | "end" | "error" }>;

export class Exchange {
  readonly id: number;
  readonly intent: Intent;
  /** The message without a key. */
  readonly message: string;
  /** The page's time at which its frame was sent, and the same moment by the calendar. */
  readonly sentAtMs: number;
  readonly sentAt: Date;
  /** Settles when it is over, however it ended. */
  readonly over: Promise<this>;
  state = $state<ExchangeState>("running");
  failure = $state.raw<Failure>();
  beginning = $state.raw<ReplyHeader>();
  /** The gateway's times of the steps that have happened. */
  at = $state.raw<StepTimes>({});
  /** The gateway's time of each chunk that it read, known when the exchange is over. */
  chunkTimes = $state.raw<readonly Timed[]>([]);
  /** The gateway's time of each write to the server, likewise. */
  writeTimes = $state.raw<readonly Timed[]>([]);
  /** When the gateway handed over `open`, each chunk's frame and the last one, and the bytes that waited before it. */
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
  /** True when its bytes were let go because all exchanges together had too many. */
  isReleased = $state(false);
  readonly #pulse = new RedrawThrottle();
  readonly #frames: FrameLog;
  readonly #reader = new ReplyReader();
  readonly #settle: (self: this) => void;
  readonly #key: string | undefined;
  readonly #mask = new ExchangeMask();
  readonly #answeredKey = new AnsweredKey();
  readonly #answer = new AnswerStart();
  #receivedBytes = 0;
  #chunks = 0;

  /** @param name what its first frame is called: `request` or `raw` */
  constructor(id: number, intent: Intent, name: string, carried: TimedFrame) {
    this.id = id;
    this.intent = intent;
    // What the page asks for itself, it holds elsewhere; a follow would fill the memory with what nobody looks at.
    this.#frames = intent.by === "page" ? new FrameLog(boundsOfOwn) : new FrameLog();
    this.#key = keyOf(intent.message);
    this.message = hideKey(intent.message, this.#key);
    this.#mask.pushSent(encodeText(intent.message));
    this.sentAtMs = carried.atMs;
    this.sentAt = intent.loaded?.startedAt ?? new Date();
    const { promise, resolve } = Promise.withResolvers<this>();
    this.over = promise;
    this.#settle = resolve;
    this.noteSent(name, carried);
  }

  /** What grows with every chunk is drawn when its pulse beats; the small facts above are state of their own. */
  get frames(): FrameLog {
    this.#pulse.listen();
    return this.#frames;
  }

  get receivedBytes(): number {
    this.#pulse.listen();
    return this.#receivedBytes;
  }

  get chunks(): number {
    this.#pulse.listen();
    return this.#chunks;
  }

  /** The first line of the response, as far as it is looked at. */
  get answerSentence(): string {
    this.#pulse.listen();
    return this.#answer.sentence;
  }

  get answer(): Answer {
    this.#pulse.listen();
    return this.#answer.meaning(this.beginning !== undefined);
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

  /** A control frame of this exchange came. */
  takeFrame(frame: ExchangeFrame, carried: TimedFrame, clock: ClockReading | undefined): void {
    this.#log("received", frame.type, carried);
    this.clock = clock;
    this.at = frame.at;
    if (frame.type === "open") {
      this.endpoints = { local: frame.local, remote: frame.remote };
      return;
    }
    const { writes = [], chunks = [], frames = [] } = frame;
    this.writeTimes = writes;
    this.chunkTimes = chunks;
    this.frameTimes = frames;
    this.sentBytes = frame.sentBytes;
    if (frame.type === "end") {
      this.endReason = frame.reason;
      this.#finish(frame.reason === "fin" ? "done" : "cancelled", carried.atMs);
    } else {
      this.failure = { hop: frame.hop, code: frame.code, message: frame.message };
      this.#finish("failed", carried.atMs);
    }
  }

  /** What one read from TCP gave the gateway. */
  takeBytes(received: Uint8Array, carried: TimedFrame): void {
    const { bytes, maskedBytes } = this.#mask.pushReceived(received);
    const shown = maskedBytes === 0 ? carried : { ...carried, payload: encodeBytes(this.id, bytes) };
    this.#log("received", "bytes", shown, { index: this.#chunks, offset: this.#receivedBytes, bytes: bytes.length });
    this.#chunks += 1;
    this.#receivedBytes += bytes.length;
    this.#takePart(this.#reader.push(bytes));
    const user = this.intent.onKey && this.#answeredKey.push(received);
    if (user !== undefined && this.#mask.asksForKey) this.intent.onKey?.(user);
  }

  /** A control frame of this exchange was sent. */
  noteSent(name: string, carried: TimedFrame): void {
    this.#log("sent", name, carried);
  }

  /** The connection to the gateway was lost; what was shown stays. */
  lose(words: string, atMs: number): void {
    this.failure = { hop: "page-gateway", code: "gateway-lost", message: `the gateway was lost: ${words}` };
    this.#finish("failed", atMs);
  }

  /** It was under way when its record was made, and nobody knows how it ended. */
  leaveOpen(): void {
    this.#finish("cancelled", this.#frames.frames.at(-1)?.atMs ?? this.sentAtMs);
  }

  /** Lets go of the bytes, and returns how many that freed. */
  release(): number {
    this.isReleased = true;
    this.#pulse.mark();
    return this.#frames.release();
  }

  #finish(state: ExchangeState, atMs: number): void {
    this.#takePart(this.#reader.finish());
    this.state = state;
    this.endedAtMs = atMs;
    this.#pulse.mark();
    this.#settle(this);
  }

  #takePart({ beginning, response }: ReplyPart): void {
    this.beginning ??= beginning;
    if (response.length === 0) return;
    this.responseOffset ??= this.#receivedBytes - response.length;
    this.#answer.push(response);
    this.intent.onResponse?.(response);
  }

  #log(direction: "sent" | "received", name: string, { atMs, payload }: TimedFrame, chunk?: Chunk): void {
    const isText = typeof payload === "string";
    this.#frames.add({
      direction,
      kind: isText ? "text" : "binary",
      name,
      atMs,
      bytes: isText ? new TextEncoder().encode(payload).length : payload.length,
      chunk,
      payload: isText ? hideKey(payload, this.#key) : payload,
    });
    this.#pulse.mark();
  }
}
