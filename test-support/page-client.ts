/**
 * A page as the gateway sees it: a WebSocket that carries any number of streams, each with its record.
 *
 * It holds the gateway to `wirebook.v2` while it reads: whatever no gateway should send lands in `unexpected`.
 */

import { once } from "node:events";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import {
  StreamRecord,
  byteFrameHeaderBytes,
  decodeByteFrame,
  decodeGatewayFrame,
  encodeData,
  encodeFrame,
  firstBytesMax,
  pageFrameBytesMax,
  streamIdMax,
  subprotocol,
} from "@wirebook/protocol";
import { Watched } from "./watched.ts";
import { WatchedFlows } from "./watched-flows.ts";
import type { ByteFrame, GatewayFrame, PageFrame, RecordBounds, Step } from "@wirebook/protocol";

/** A frame of one type from the gateway. */
export type FrameOf<Type extends GatewayFrame["type"]> = Extract<GatewayFrame, { type: Type }>;

/** The frame with which a stream ends. */
export type LastFrame = FrameOf<"end" | "error">;

/** A frame that begins a stream. */
export type FirstFrame = Extract<PageFrame, { type: "request" | "connect" }>;

type ConnectFrame = Extract<PageFrame, { type: "connect" }>;

/** All that came of a stream. */
export interface Answer {
  readonly open: FrameOf<"open"> | undefined;
  /** What the target sent; without what the record's bounds left out. */
  readonly bytes: Buffer;
  readonly text: string;
  readonly record: StreamRecord;
  readonly last: LastFrame;
}

/** How a WebSocket ended. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** What a test wants otherwise of a stream. */
export interface StreamOptions {
  /** Everything, unless it is said. */
  readonly bounds?: RecordBounds;
  /** Sees each read. */
  readonly onRead?: (bytes: Uint8Array) => void;
  /** Cancels the stream early. */
  readonly isEnough?: (received: string) => boolean;
  /** Whether the page answers the target's FIN with its own. */
  readonly answersFin?: boolean;
}

/** What a `connect` frame says besides its target. */
export interface ConnectOptions extends Pick<ConnectFrame, "schedule" | "read"> {
  /** Those that do not fit the frame follow it. */
  readonly bytes?: Uint8Array | string;
  /** Whether FIN follows them. */
  readonly isEnded?: boolean;
}

const everything: RecordBounds = { firstEventsKept: Infinity, lastEventsKept: 0, bytesKept: Infinity };

/** A stream of a page. */
export class PageStream {
  readonly id: number;
  readonly record: StreamRecord;
  open: FrameOf<"open"> | undefined;
  last: LastFrame | undefined;
  readonly #page: PageClient;
  readonly #options: StreamOptions;
  #lastAtMs = -Infinity;

  constructor(page: PageClient, id: number, options: StreamOptions) {
    this.#page = page;
    this.#options = options;
    this.id = id;
    this.record = new StreamRecord(options.bounds ?? everything);
  }

  /** What has come so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.reads);
  }

  /** The bytes of each read so far. */
  get reads(): Buffer[] {
    return this.record.reads.map(({ bytes = new Uint8Array(0) }) => Buffer.from(bytes));
  }

  /** Resolves with the `open` frame; rejects when the stream ends without one. */
  get opened(): Promise<FrameOf<"open">> {
    return this.until(({ open }) => open);
  }

  /** Resolves when the stream is over, however it ended. */
  get ended(): Promise<Answer> {
    return this.#page.until(() => {
      const { open, record, last } = this;
      if (last === undefined) return undefined;
      const { bytes } = this;
      return { open, bytes, text: bytes.toString(), record, last };
    });
  }

  /** Resolves when so many bytes have come in all, with what is kept of them. */
  async received(byteCount: number): Promise<Buffer> {
    await this.until(({ record }) => (record.receivedBytes >= byteCount ? true : undefined));
    return this.bytes;
  }

  /** Resolves with what `find` finds; rejects when the stream ends without it. */
  until<Found>(find: (stream: PageStream) => Found | undefined): Promise<Found> {
    return this.#page.until(() => {
      const found = find(this);
      if (found === undefined && this.last !== undefined) {
        throw new Error(`stream ${this.id} ended before: ${JSON.stringify(this.last)}`);
      }
      return found;
    });
  }

  /** Sends bytes for the target, in as many frames as they take; resolves when the kernel has them. */
  async send(bytes: Uint8Array | string): Promise<void> {
    const whole = Buffer.from(bytes);
    const most = pageFrameBytesMax - byteFrameHeaderBytes;
    const starts = Array.from({ length: Math.max(1, Math.ceil(whole.length / most)) }, (_, at) => at * most);
    await Promise.all(
      starts.map((at) => {
        const piece = whole.subarray(at, at + most);
        this.record.sending(piece);
        return this.#page.sendRaw(encodeData(this.id, piece));
      }),
    );
  }

  end(): void {
    this.#page.send({ type: "end", id: this.id });
  }

  reset(): void {
    this.#page.send({ type: "reset", id: this.id });
  }

  cancel(): void {
    this.#page.send({ type: "cancel", id: this.id });
  }

  /** Takes a frame of this stream; returns what is wrong with it, if something is. */
  take(frame: ByteFrame | FrameOf<"open"> | LastFrame): string | undefined {
    if (this.last !== undefined) return `stream ${this.id} is over and got ${describe(frame)}`;
    if ("kind" in frame) return this.#takeBytes(frame);
    for (const [step, atMs] of Object.entries(frame.at)) this.record.mark(step as Step, atMs);
    if (frame.type !== "open") return this.#finish(frame);
    if (this.open !== undefined) return `stream ${this.id} was opened twice`;
    this.open = frame;
    this.record.local = frame.local;
    this.record.remote = frame.remote;
    this.record.tls = frame.tls;
    return undefined;
  }

  #takeBytes(frame: ByteFrame): string | undefined {
    const { kind, isFromTarget, atMs, queuedKiB, bytes, writtenBytes } = frame;
    const isKnown = kind === "fin" || (kind === "data" && isFromTarget) || (kind === "written" && !isFromTarget);
    if (!isKnown || frame.leg !== "target" || frame.isAfterGap) return `a page's stream got ${describe(frame)}`;
    const options = { queuedKiB, arrivedMs: performance.now() };
    if (kind === "fin") this.record.ended("fin", isFromTarget, atMs, options);
    if (kind === "fin" && isFromTarget && this.#options.answersFin === true) this.end();
    if (kind === "written") this.record.wrote(writtenBytes, atMs, options);
    if (kind === "data") this.#read(Uint8Array.from(bytes), atMs, options);
    if (this.open === undefined) return `stream ${this.id} got ${describe(frame)} before it was open`;
    if (!(atMs >= this.#lastAtMs)) return `${describe(frame)} came after one of ${this.#lastAtMs} ms`;
    this.#lastAtMs = atMs;
    return undefined;
  }

  #read(bytes: Uint8Array, atMs: number, options: { queuedKiB: number; arrivedMs: number }): void {
    const { onRead, isEnough } = this.#options;
    this.record.read(bytes, atMs, options);
    onRead?.(bytes);
    if (isEnough?.(this.bytes.toString())) this.cancel();
  }

  #finish(last: LastFrame): string | undefined {
    this.last = last;
    const { record } = this;
    record.outcome = last.type === "end" ? { kind: "ended", reason: last.reason } : { ...last, kind: "failed" };
    const { sentBytes = 0, receivedBytes = 0 } = last;
    if (sentBytes === record.sentBytes && receivedBytes === record.receivedBytes) return undefined;
    return `${describe(last)} came after frames of ${record.sentBytes} bytes sent and ${record.receivedBytes} received`;
  }
}

/** The page; disposing of it drops the connection. */
export class PageClient implements Disposable, AsyncDisposable {
  readonly socket: WebSocket;
  readonly closing: Promise<Closing>;
  /** Every text frame that came. */
  readonly textFrames: string[] = [];
  /** What no gateway should send: frames that are invalid, out of order, or of no stream. */
  readonly unexpected: string[] = [];
  /** What the page watches. */
  readonly flows = new WatchedFlows();
  readonly #watched = new Watched();
  readonly #frames: GatewayFrame[] = [];
  readonly #streams = new Map<number, PageStream>();
  #closing: Closing | undefined;
  #lastId = 0;

  /**
   * @param address `host:port` of the gateway
   * @param path `/ws?guest` for one who holds the link of a presentation
   * @throws Error when the gateway does not let it in
   */
  static async open(address: string, options: ClientOptions = {}, path = "/ws"): Promise<PageClient> {
    const origin = `http://${address}`;
    const socket = new WebSocket(`ws://${address}${path}`, subprotocol, {
      origin,
      perMessageDeflate: false,
      ...options,
    });
    const page = new PageClient(socket);
    await once(socket, "open");
    return page;
  }

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.#takeBytes(data);
      else this.#takeText(String(data));
      this.#watched.changed();
    });
    socket.on("error", () => undefined); // `close` follows.
    this.closing = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#closing = { code, reason: String(reason) };
        resolve(this.#closing);
        this.#watched.changed();
      });
    });
  }

  /** Begins an exchange: a user, an operation and its arguments. */
  request(user: string, [operation, ...values]: readonly string[] = [], options?: StreamOptions): PageStream {
    const words = {
      ...(operation === undefined ? {} : { operation: Number(operation) }),
      ...(values.length === 0 ? {} : { arguments: values }),
    };
    return this.start({ type: "request", id: this.#nextId(), user, ...words }, options);
  }

  /** Begins a conversation with a target. */
  connect(target: string, { bytes = "", isEnded = false, ...rest }: ConnectOptions = {}, options?: StreamOptions) {
    const whole = Buffer.from(bytes);
    const [first, more] = [whole.subarray(0, firstBytesMax), whole.subarray(firstBytesMax)];
    const isWhole = more.length === 0;
    const base64 = first.toString("base64");
    const frame = { type: "connect", id: this.#nextId(), target, bytes: base64, end: isEnded && isWhole } as const;
    const stream = this.start({ ...frame, ...rest }, options);
    if (!isWhole) void stream.send(more);
    if (!isWhole && isEnded) stream.end();
    return stream;
  }

  /** Begins a stream by a frame. Another one may have had its id, if that one is over. */
  start(frame: FirstFrame, options: StreamOptions = {}): PageStream {
    const stream = new PageStream(this, frame.id, options);
    this.#streams.set(frame.id, stream);
    if (frame.type === "connect") stream.record.sending(Buffer.from(frame.bytes, "base64"));
    else stream.record.sending(Buffer.from(`${wordsOf(frame).join(" ")}\n`));
    this.send(frame);
    return stream;
  }

  /** Begins a stream by a frame, and waits for its end. */
  ask(frame: FirstFrame, options?: StreamOptions): Promise<Answer> {
    return this.start(frame, options).ended;
  }

  send(frame: PageFrame): void {
    this.socket.send(encodeFrame(frame));
  }

  /** Sends a message as it is; resolves when the kernel has it, or the WebSocket is gone. */
  sendRaw(message: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.send(message, () => resolve()));
  }

  /** The frames of a type that have come. */
  framesOf<Type extends GatewayFrame["type"]>(type: Type): FrameOf<Type>[] {
    return this.#frames.filter((frame) => frame.type === type) as FrameOf<Type>[];
  }

  /** Waits for the first frame of a type for which `is` holds. */
  frame<Type extends GatewayFrame["type"]>(
    type: Type,
    is: (frame: FrameOf<Type>) => boolean = () => true,
  ): Promise<FrameOf<Type>> {
    return this.until(() => this.framesOf(type).find(is));
  }

  /** Waits for the first error with that code. */
  error(code: FrameOf<"error">["code"]): Promise<FrameOf<"error">> {
    return this.frame("error", (frame) => frame.code === code);
  }

  /** Waits until what has come holds something; rejects when the WebSocket is closed without it. */
  until<Found>(find: () => Found | undefined): Promise<Found> {
    return this.#watched.until(() => {
      const found = find();
      if (found !== undefined || this.#closing === undefined) return found;
      throw new Error(`the WebSocket was closed: ${this.#closing.code} ${this.#closing.reason}`);
    });
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closing;
  }

  #nextId(): number {
    return ++this.#lastId;
  }

  #takeBytes(data: Buffer): void {
    const frame = decodeByteFrame(data);
    if (typeof frame === "string") return void this.unexpected.push(frame);
    if (frame.id > streamIdMax) this.flows.takeBytes(frame);
    else this.#hand(frame.id, frame);
  }

  #takeText(text: string): void {
    this.textFrames.push(text);
    const decoded = decodeGatewayFrame(text);
    if ("problem" in decoded) return void this.unexpected.push(`${decoded.problem}: ${text}`);
    const { frame } = decoded;
    this.#frames.push(frame);
    this.flows.takeFrame(frame);
    if ("id" in frame && frame.id !== null && frame.id > streamIdMax) return;
    if (frame.type === "open" || frame.type === "end") this.#hand(frame.id, frame);
    if (frame.type === "error" && frame.id !== null) this.#hand(frame.id, frame);
  }

  #hand(id: number, frame: ByteFrame | FrameOf<"open"> | LastFrame): void {
    const stream = this.#streams.get(id);
    const problem = stream === undefined ? `${describe(frame)} is of no stream` : stream.take(frame);
    if (problem !== undefined) this.unexpected.push(problem);
  }
}

/** The bytes that a stream got as text, with the error, if it ended in one. */
export function textOf({ text, last }: Pick<Answer, "text" | "last">): string {
  return text + (last.type === "error" ? `(${last.code}: ${last.message})` : "");
}

function wordsOf({ user, operation, arguments: values = [] }: Extract<PageFrame, { type: "request" }>) {
  return [user, ...(operation === undefined ? [] : [operation]), ...values];
}

function describe(frame: ByteFrame | GatewayFrame): string {
  if (!("kind" in frame)) return JSON.stringify(frame);
  const { kind, id, isFromTarget, bytes, writtenBytes, atMs } = frame;
  return `${kind} of stream ${id}, ${isFromTarget ? "from" : "to"} the target, ${bytes.length + writtenBytes} bytes, ${atMs} ms`;
}
