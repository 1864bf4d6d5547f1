/**
 * One exchange, conversation or flow as the page saw it. Times come from two clocks: the page's are the arrivals of frames;
 * the gateway's (`at`, and those of the events) are put onto the page's clock by `toPageMs`, with the newest reading.
 */

import { encodeBase64, ExchangeMask } from "@wirebook/capture";
import {
  authenticationError,
  decodeText,
  encodeText,
  errorPrefix,
  firstBytesMax,
  joinBytes,
  ReplyReader,
  steps,
  StreamRecord,
  type AnnouncedTarget,
  type ByteFrame,
  type Endpoint,
  type FlowHead,
  type GatewayFrame,
  type ReadRate,
  type ReplyHeader,
  type ReplyPart,
  type ScheduleStep,
  type StepTimes,
  type StreamOutcome,
} from "@wirebook/protocol";
import type { ClockReading, TimedText } from "../gateway/connection.svelte.ts";
import { serverName } from "../gateway/targets.ts";
import { answerBytesMax, controlFramesKept, openAfterMs, streamBounds } from "../limits.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import { hideKeys } from "./keys.ts";
import { KeptBytes } from "./kept-bytes.ts";

export type Failure = Extract<StreamOutcome, { kind: "failed" }>;

export interface Intent {
  readonly target: AnnouncedTarget;
  readonly user: string;
  /** What goes over TCP first: of more bytes than the first frame takes, those. */
  readonly message: string;
  /** All bytes that were given to be sent first; `undefined` of what was loaded. */
  readonly byteCount?: number;
  /** A flow is somebody else's: the page has no part in it. */
  readonly by: "user" | "page" | "flow";
  /** What the page, the fault lab, a lesson or a play makes it for. */
  readonly purpose?: string;
  /** How the gateway is to write the message and to read the reply, where that was said [G-11]. */
  readonly schedule?: readonly ScheduleStep[];
  readonly read?: ReadRate;
  /** When it happened, if that is not now. */
  readonly startedAt?: Date;
  /** The file or link that it was loaded from, and what is missing in it. */
  readonly loaded?: { readonly fileName: string; readonly startedAt: Date; readonly note: string };
  /** True when FIN follows the message at once: what comes is the one reply to it. */
  readonly end?: boolean;
  /** The time of the newest line of the history that the page knew then. */
  readonly after?: string | undefined;
  /** Gets the `name~key` that the server answers to operation 4; the stream itself keeps no key. */
  readonly onKey?: (user: string) => void;
  readonly onResponse?: (bytes: Uint8Array) => void;
}

/** What a stream is driven by where no person does: it learns what happens, keys included, and answers the target's FIN. */
interface StreamDriver {
  opened(): void;
  received(bytes: Uint8Array): void;
  /** The target sends no more. */
  ended(): void;
}

export interface FlowFacts extends Pick<FlowHead, "via" | "port" | "client" | "faults" | "name"> {
  /** The gateway's end of the client's connection, as far as it is known. */
  readonly gateway?: Endpoint | undefined;
}

/** Bytes of one direction that a presentation does not show, up to, but not including, `to`. */
export interface Hidden {
  readonly isFromTarget: boolean;
  readonly from: number;
  readonly to: number;
}

/** A text frame of a stream, without a key; or a byte frame that the page sent, whose text is `""`. */
export interface ControlFrame {
  readonly direction: "sent" | "received";
  readonly name: string;
  readonly atMs: number;
  readonly text: string;
  /** Bytes behind the header of a byte frame, and those that the page had sent in this stream before them. */
  readonly byteCount?: number;
  readonly offset?: number;
}

export type StreamFrame = Extract<GatewayFrame, { type: "open" | "end" | "error" }>;

export class Stream {
  readonly id: number;
  readonly intent: Intent;
  readonly message: string;
  /** When its first frame was sent, by the page's clock and by the calendar. */
  readonly sentAtMs: number;
  readonly sentAt: Date;
  /** Counts the dialogues with its target, from 1. */
  number = 1;
  driver: StreamDriver | undefined;
  readonly #over = Promise.withResolvers<this>();
  /** Settles when it is over, however it ended. */
  readonly over = this.#over.promise;
  state = $state<"running" | "done" | "cancelled" | "failed">("running");
  header = $state.raw<ReplyHeader>();
  clock = $state.raw<ClockReading>();
  flow = $state.raw<FlowFacts>();
  /** The page's time at which it knew that it was over. */
  endedAtMs = $state<number>();
  /** Bytes of the reply before its response; `undefined` while that is not known. */
  responseOffset = $state<number>();
  /** Byte frames that the page sent and that are not kept. */
  omittedControls = 0;
  /** True when its bytes were dropped because all streams together had too many. */
  isReleased = $state(false);
  isKept = $state(false);
  /** What a presentation shows as dots, and whether its lines have buttons to hide them. */
  hidden = $state.raw<readonly Hidden[]>([]);
  isHiding = $state(false);
  /** True once the page has asked for its end: it takes no more lines. */
  isEnding = $state(false);
  readonly #redraw = new RedrawThrottle();
  readonly #record: StreamRecord;
  readonly #controls: ControlFrame[] = [];
  readonly #reader = new ReplyReader();
  readonly #answered = Promise.withResolvers<void>();
  readonly #mask = new ExchangeMask();
  /** Bytes that the page has given to the gateway. */
  #handedOver: number;
  /** The first bytes of the response, with a key until that was told. */
  #answer: Uint8Array = new Uint8Array(0);

  /** @param name what its first frame is called: `request` or `connect`; `""` where it has none */
  constructor(id: number, intent: Intent, name: string, timed: TimedText, recorded?: StreamRecord) {
    this.id = id;
    this.intent = intent;
    this.#record = recorded ?? new StreamRecord(streamBounds[intent.by]);
    const message = encodeText(intent.message);
    const shown = this.#withoutKey(message);
    this.message = decodeText(shown);
    if (recorded === undefined) this.#record.sending(shown);
    else this.#readAgain(recorded);
    this.#handedOver = message.length;
    this.sentAtMs = timed.atMs;
    this.sentAt = intent.startedAt ?? new Date();
    if (name !== "") this.noteControl("sent", name, timed);
  }

  /** The bytes that were given to be sent first; `undefined` where they are not kept whole. */
  get firstBytes(): Uint8Array | undefined {
    const bytes = encodeText(this.intent.message);
    const { byteCount = bytes.length < firstBytesMax ? bytes.length : Infinity } = this.intent;
    if (byteCount === bytes.length) return bytes;
    // The rest went in frames of its own.
    const written = new KeptBytes(this.record, false).join(0, byteCount);
    return written.length === byteCount ? written : undefined;
  }

  /** True when it is held open for more messages in both directions, and shown as one with all of them. */
  get isDialogue(): boolean {
    const { end = false, purpose, schedule } = this.intent;
    const isOneMessage = end || schedule !== undefined || (purpose !== undefined && this.message !== "");
    return this.isConversation && !isOneMessage && (!this.isWithServer || this.message === "");
  }

  /** What the page calls it: its message, or the target and a number. A key takes three places, however long it is. */
  get name(): string {
    if (this.flow !== undefined) return this.flow.name ?? `${this.clientName} → ${this.intent.target.name}`;
    if (this.isDialogue) return `${this.intent.target.name} #${this.number}`;
    const message = this.message.trim();
    return this.isWithServer ? message.replace(/^([^\s~]*)~\*+/u, "$1~***") : message;
  }

  get clientName(): string {
    const { client, via } = this.flow ?? {};
    if (client === undefined) return via === "presented" ? "The presenter" : "An unknown client";
    return client.address.includes(":") ? `[${client.address}]:${client.port}` : `${client.address}:${client.port}`;
  }

  /** True when it is with a Wirebook server: any other service has neither operations nor keys. */
  get isWithServer(): boolean {
    return this.intent.target.name === serverName;
  }

  /** True when it lives until both ends have closed it, and not for one reply alone. */
  get isConversation(): boolean {
    return this.#controls[0]?.name !== "request";
  }

  /** True when the connection stands and whether more comes is for the two ends to say: nothing is waited for. */
  get isOpen(): boolean {
    if (this.state !== "running" || this.header !== undefined) return false;
    return this.receivedBytes > 0 || (this.isDialogue && this.at.established !== undefined);
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
    const line = decodeText(this.#answer).split("\n", 1)[0] ?? "";
    return this.#mask.asksForKey ? hideKeys(line) : line;
  }

  /** How the server took the request. An unauthenticated user gets no header. */
  get answer(): "accepted" | "refused" | "unauthenticated" {
    const { answerSentence } = this;
    if (answerSentence.startsWith(errorPrefix)) return "refused";
    return answerSentence === authenticationError && this.header === undefined ? "unauthenticated" : "accepted";
  }

  /** Milliseconds from sending to the end, or up to now. */
  get tookMs(): number {
    return (this.endedAtMs ?? performance.now()) - this.sentAtMs;
  }

  /** A time of the gateway on the page's clock. No frame is received before it was sent, as a rough reading may have it. */
  toPageMs(gatewayMs: number): number {
    const { at, clock, sentAtMs } = this;
    const asSentMs = (at.received ?? gatewayMs) - sentAtMs;
    const readMs = clock?.offsetMs ?? asSentMs;
    return gatewayMs - (at.received === undefined ? readMs : Math.min(readMs, asSentMs));
  }

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

  takeFrame(frame: StreamFrame, timed: TimedText, clock: ClockReading | undefined): void {
    this.noteControl("received", frame.type, timed);
    this.clock = clock;
    if (frame.type !== "open") return this.takeEnd(frame, timed.atMs);
    this.takeHead(frame);
    if (this.isDialogue) this.#answered.resolve();
    this.driver?.opened();
  }

  /** The gateway says where a stream goes, and again when it knows more. */
  takeHead({ at, local, remote, tls }: Pick<FlowHead, "at" | "local" | "remote" | "tls">): void {
    this.#takeTimes(at);
    Object.assign(this.#record, { local, remote, tls });
    this.#redraw.mark();
  }

  /** It is over. A FIN that ended it came in no frame of its own. */
  takeEnd(frame: Exclude<StreamFrame, { type: "open" }>, atMs?: number): void {
    const { ended, fin } = frame.at;
    if (ended !== undefined && this.#record.at.ended === undefined) this.#record.ended("fin", false, ended);
    if (fin !== undefined && this.#record.at.fin === undefined) this.#record.ended("fin", true, fin);
    this.#takeTimes(frame.at);
    if (frame.type === "end") this.end({ kind: "ended", reason: frame.reason }, atMs);
    else this.end({ kind: "failed", code: frame.code, hop: frame.hop, message: frame.message }, atMs);
  }

  /** Frames of a flow are missing: so many bytes came before the next one. */
  noteGap(sentBytes: number, receivedBytes: number): void {
    this.#record.missed(sentBytes, receivedBytes);
    this.#redraw.mark();
  }

  /** Something happened to its bytes, as a byte frame tells. The gateway has masked what is a key in a flow. */
  takeBytes(frame: Omit<ByteFrame, "id">, arrivedMs?: number, clock = this.clock): void {
    const { kind, isFromTarget, atMs, bytes, writtenBytes, leg, isAfterGap, isWaiting = false, queuedKiB } = frame;
    const options = { leg, isAfterGap, isWaiting, queuedKiB, arrivedMs };
    const record = this.#record;
    const isFlow = this.intent.by === "flow";
    this.clock = clock;
    if (kind === "fin" || kind === "rst") record.ended(kind, isFromTarget, atMs, options);
    else if (kind === "written" && isFlow) record.taken(writtenBytes, isFromTarget, atMs, options);
    else if (kind === "written") record.wrote(writtenBytes, atMs, options);
    else if (!isFromTarget) record.wrote(bytes, atMs, options);
    else if (isFlow || !this.isWithServer) record.read(bytes, atMs, options);
    else {
      record.read(this.#mask.push(true, bytes), atMs, options);
      this.#takePart(this.#reader.push(bytes), record.receivedBytes);
    }
    this.#redraw.mark();
    if (kind === "data") this.#answered.resolve();
    if (kind === "data") this.driver?.received(bytes);
    if (kind === "fin" && isFromTarget) this.driver?.ended();
  }

  noteControl(direction: ControlFrame["direction"], name: string, { atMs, text }: TimedText): void {
    this.#controls.push({ direction, name, atMs, text: this.isWithServer ? this.#frameWithoutKey(name, text) : text });
    this.#redraw.mark();
  }

  /** The page sent more bytes in a frame of their own. They are kept as they are given: a secret is masked before. */
  noteSent(bytes: Uint8Array, atMs: number): void {
    this.#record.sending(this.#withoutKey(bytes));
    const { length: byteCount } = bytes;
    this.#controls.push({ direction: "sent", name: "data", atMs, text: "", byteCount, offset: this.#handedOver });
    this.#handedOver += byteCount;
    // The first one says how the stream began.
    if (this.#controls.length > controlFramesKept) this.omittedControls += this.#controls.splice(1, 1).length;
    this.#redraw.mark();
  }

  /** It is over, at a page's time or that of the latest event; without an outcome if it was running when it was saved. */
  end(outcome: StreamOutcome | undefined, atMs?: number): void {
    const { at, latest, receivedBytes } = this.#record;
    this.#takePart(this.#reader.finish(), receivedBytes);
    this.#record.outcome = outcome;
    this.state = outcome?.kind === "failed" ? "failed" : outcome?.reason === "fin" ? "done" : "cancelled";
    this.endedAtMs = atMs ?? this.toPageMs(at.closed ?? latest?.atMs ?? at.received ?? 0);
    this.#redraw.mark();
    this.#answered.resolve();
    this.#over.resolve(this);
  }

  release(): number {
    this.isReleased = true;
    this.#redraw.mark();
    return this.#record.releaseBytes();
  }

  #takeTimes(at: StepTimes): void {
    for (const step of steps) if (at[step] !== undefined) this.#record.mark(step, at[step]);
  }

  /** The next bytes that are sent, with asterisks for a key, also for one that is cut by the end of a frame. */
  #withoutKey(bytes: Uint8Array): Uint8Array {
    return this.isWithServer ? this.#mask.push(false, bytes) : bytes;
  }

  /** A `connect` frame holds the message in base64, where a key could be read as well. */
  #frameWithoutKey(name: string, text: string): string {
    if (name !== "connect") return hideKeys(text);
    return text.replace(/"bytes":"[^"]*"/, `"bytes":"${encodeBase64(encodeText(this.message))}"`);
  }

  #readAgain({ reads }: StreamRecord): void {
    if (this.intent.by === "flow" || !this.isWithServer) return;
    for (const { bytes, offset, byteCount } of reads) {
      if (bytes !== undefined) this.#takePart(this.#reader.push(bytes), offset + byteCount);
    }
  }

  #takePart({ header, response }: ReplyPart, receivedBytes: number): void {
    this.header ??= header;
    if (response.length === 0) return;
    this.responseOffset ??= receivedBytes - response.length;
    const missing = answerBytesMax - this.#answer.length;
    if (missing > 0) this.#answer = joinBytes(this.#answer, response.slice(0, missing));
    if (this.#mask.asksForKey) this.#tellKey();
    this.intent.onResponse?.(response);
  }

  /** The answer to operation 4 is `name~key` and a line feed [U-4]. A piece of a key is of no use. */
  #tellKey(): void {
    const text = decodeText(this.#answer);
    const user = /^[^\s~]+~[^\s~*]+(?=\n)/u.exec(text)?.[0];
    if (user === undefined) return;
    this.#answer = encodeText(hideKeys(text));
    this.intent.onKey?.(user);
  }
}
