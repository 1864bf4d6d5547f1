/**
 * One exchange or conversation as the page saw it: the record of its stream, the text frames, the reply, the end.
 *
 * Times come from two clocks. The page's own are the arrivals of frames; the gateway's (`at`, and those of the events) are
 * put onto the page's clock by `toPageMs`, with the newest reading.
 */

import { ExchangeMask } from "@wirebook/capture";
import {
  authenticationError,
  decodeText,
  encodeText,
  errorPrefix,
  joinBytes,
  ReplyReader,
  steps,
  StreamRecord,
} from "@wirebook/protocol";
import type {
  AnnouncedTarget,
  ByteFrame,
  GatewayFrame,
  ReadRate,
  ReplyHeader,
  ReplyPart,
  ScheduleStep,
  StepTimes,
  StreamOutcome,
} from "@wirebook/protocol";
import type { ClockReading, TimedText } from "../gateway/gateway-socket.ts";
import { serverName } from "../gateway/targets.ts";
import { answerBytesMax, openAfterMs, streamBounds } from "../limits.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import { AnsweredKey, hideKey, keyOf } from "./keys.ts";

export type Failure = Extract<StreamOutcome, { kind: "failed" }>;

export type ExchangeState = "running" | "done" | "cancelled" | "failed";

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
  readonly target: AnnouncedTarget;
  readonly user: string;
  /** The message with its line feed, as it goes over TCP. */
  readonly message: string;
  readonly by: "user" | "page";
  /** What the page, or the fault lab, makes it for. */
  readonly purpose?: string;
  /** How the gateway is to write the message and to read the reply, where that was said [G-11]. */
  readonly schedule?: readonly ScheduleStep[];
  readonly read?: ReadRate;
  /** Set when it is a recorded exchange. */
  readonly loaded?: LoadedFrom;
  /** The time of the newest line of the history that the page knew then. */
  readonly after?: string | undefined;
  /** Gets the `name~key` that the server answers to operation 4; the exchange itself keeps and shows no key. */
  readonly onKey?: (user: string) => void;
  readonly onResponse?: (bytes: Uint8Array) => void;
}

/** A text frame of an exchange, without a key. */
export interface ControlFrame {
  readonly direction: "sent" | "received";
  readonly name: string;
  readonly atMs: number;
  readonly text: string;
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
  header = $state.raw<ReplyHeader>();
  clock = $state.raw<ClockReading>();
  /** The page's time at which it knew that the exchange was over. */
  endedAtMs = $state<number>();
  /** Bytes of the reply before its response; `undefined` while that is not known. */
  responseOffset = $state<number>();
  /** True when its bytes were dropped because all exchanges together had too many. */
  isReleased = $state(false);
  readonly #redraw = new RedrawThrottle();
  readonly #record: StreamRecord;
  readonly #controls: ControlFrame[] = [];
  readonly #reader = new ReplyReader();
  readonly #settle: (self: this) => void;
  readonly #answered = Promise.withResolvers<void>();
  readonly #key: string | undefined;
  readonly #mask = new ExchangeMask();
  readonly #answeredKey = new AnsweredKey();
  /** The first bytes of the response. */
  #answer: Uint8Array = new Uint8Array(0);

  /** @param name what its first frame is called: `request` or `connect` */
  constructor(id: number, intent: Intent, name: string, timed: TimedText) {
    this.id = id;
    this.intent = intent;
    this.#record = new StreamRecord(streamBounds[intent.by]);
    this.#key = this.isWithServer ? keyOf(intent.message) : undefined;
    this.message = hideKey(intent.message, this.#key);
    this.#record.sending(encodeText(this.message));
    this.#mask.pushSent(encodeText(intent.message));
    this.sentAtMs = timed.atMs;
    this.sentAt = intent.loaded?.startedAt ?? new Date();
    const { promise, resolve } = Promise.withResolvers<this>();
    this.over = promise;
    this.#settle = resolve;
    this.noteControl("sent", name, timed);
  }

  /** True when it is with a Wirebook server: any other service has neither operations nor keys. */
  get isWithServer(): boolean {
    return this.intent.target.name === serverName;
  }

  /** True when it lives until both ends have closed it, and not for one reply alone. */
  get isConversation(): boolean {
    return this.#controls[0]?.name !== "request";
  }

  /** True for a conversation that was answered: whether more comes is for the two ends to say. */
  get isOpen(): boolean {
    return this.state === "running" && this.isConversation && this.receivedBytes > 0 && this.header === undefined;
  }

  // What grows with every read is redrawn at most once a screen frame; the small facts above are state of their own.
  get record(): StreamRecord {
    this.#redraw.listen();
    return this.#record;
  }

  get controls(): readonly ControlFrame[] {
    this.#redraw.listen();
    return this.#controls;
  }

  /** The gateway's times of the steps that have happened. */
  get at(): StepTimes {
    return this.record.at;
  }

  get failure(): Failure | undefined {
    const { outcome } = this.record;
    return outcome?.kind === "failed" ? outcome : undefined;
  }

  get receivedBytes(): number {
    return this.record.receivedBytes;
  }

  get reads(): number {
    return this.record.readCount;
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

  /** Settles when there is something to tell of it: it is over, or open. */
  async settled(): Promise<void> {
    await this.#answered.promise;
    await this.overWithin(openAfterMs);
    if (!this.isOpen) await this.over;
  }

  takeFrame(frame: ExchangeFrame, timed: TimedText, clock: ClockReading | undefined): void {
    this.noteControl("received", frame.type, timed);
    this.clock = clock;
    const record = this.#record;
    // A FIN that ended the stream came in no frame of its own.
    const { ended, fin } = frame.at;
    if (ended !== undefined && record.at.ended === undefined) record.ended("fin", false, ended);
    if (fin !== undefined && record.at.fin === undefined) record.ended("fin", true, fin);
    for (const step of steps) if (frame.at[step] !== undefined) record.mark(step, frame.at[step]);
    if (frame.type === "open") {
      record.local = frame.local;
      record.remote = frame.remote;
      record.tls = frame.tls;
    } else if (frame.type === "end") this.end({ kind: "ended", reason: frame.reason }, timed.atMs);
    else this.end({ kind: "failed", code: frame.code, hop: frame.hop, message: frame.message }, timed.atMs);
  }

  /** Something happened to its bytes, as a byte frame tells. */
  takeBytes(frame: Omit<ByteFrame, "id">, arrivedMs: number | undefined, clock: ClockReading | undefined): void {
    const { kind, isFromTarget, isAfterGap, queuedKiB, atMs } = frame;
    const options = { isAfterGap, queuedKiB, arrivedMs };
    this.clock = clock;
    if (kind === "data") this.#answered.resolve();
    if (kind === "data") this.#read(frame.bytes, (bytes) => this.#record.read(bytes, atMs, options));
    else if (kind === "written") this.#record.wrote(frame.writtenBytes, atMs, options);
    else this.#record.ended(kind, isFromTarget, atMs, options);
    this.#redraw.mark();
  }

  noteControl(direction: ControlFrame["direction"], name: string, { atMs, text }: TimedText): void {
    this.#controls.push({ direction, name, atMs, text: hideKey(text, this.#key) });
    this.#redraw.mark();
  }

  /** It is over; what was shown stays. */
  end(outcome: StreamOutcome, atMs: number): void {
    this.#takePart(this.#reader.finish());
    this.#record.outcome = outcome;
    this.state = outcome.kind === "failed" ? "failed" : outcome.reason === "fin" ? "done" : "cancelled";
    this.endedAtMs = atMs;
    this.#redraw.mark();
    this.#answered.resolve();
    this.#settle(this);
  }

  /** Drops the bytes, and returns how many. */
  release(): number {
    this.isReleased = true;
    this.#redraw.mark();
    return this.#record.releaseBytes();
  }

  #read(received: Uint8Array, note: (bytes: Uint8Array) => void): void {
    if (!this.isWithServer) return note(received);
    const { bytes } = this.#mask.pushReceived(received);
    note(bytes);
    this.#takePart(this.#reader.push(bytes));
    const user = this.intent.onKey && this.#answeredKey.push(received);
    if (user !== undefined && this.#mask.asksForKey) this.intent.onKey?.(user);
  }

  #takePart({ header, response }: ReplyPart): void {
    this.header ??= header;
    if (response.length === 0) return;
    this.responseOffset ??= this.#record.receivedBytes - response.length;
    const missing = answerBytesMax - this.#answer.length;
    if (missing > 0) this.#answer = joinBytes(this.#answer, response.slice(0, missing));
    this.intent.onResponse?.(response);
  }
}
