/**
 * All exchanges of the page: starts them, gives each frame to its own, keeps them within bounds.
 *
 * Ids are never used twice while the page is open, although the gateway only asks for that on one connection: so a
 * record is still itself after a reconnect.
 */

import { SvelteMap } from "svelte/reactivity";
import { encodeBase64 } from "@wirebook/capture";
import {
  byteFrameHeaderBytes,
  decodeText,
  encodeData,
  encodeMessage,
  firstBytesMax,
  pageFrameBytesMax,
} from "@wirebook/protocol";
import type { AnnouncedTarget, ByteFrame, GatewayFrame, ReplyHeader } from "@wirebook/protocol";
import type { GatewayConnection, TimedText } from "../gateway/connection.svelte.ts";
import { defaultTarget, serverName } from "../gateway/targets.ts";
import { allBytesKept, streamsKept, ownReadsKept } from "../limits.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import { Stream } from "./stream.svelte.ts";
import type { Intent } from "./stream.svelte.ts";

/** What the failure's message begins with when the connection to the gateway was lost. */
const lostPrefix = "the gateway was lost: ";

/** Milliseconds that the drawing of an exchange waits for its end: too short to be noticed. */
const drawDelayMs = 50;

/** Bytes that one byte frame from the page carries. */
const dataBytesMax = pageFrameBytesMax - byteFrameHeaderBytes;

type Connection = Pick<GatewayConnection, "send" | "sendBytes" | "clock" | "hello">;

export interface Order extends Omit<Intent, "message" | "byteCount" | "target"> {
  readonly operation?: number | undefined;
  readonly values?: readonly string[];
}

/**
 * - `unknown`: nothing has come from the target, and nothing has failed
 * - `good`: it sent bytes
 * - `silent`: it took the connection and sent nothing
 * - `failed`: it did not take the connection
 */
export type TargetHop = "unknown" | "good" | "silent" | "failed";

export interface ConnectOrder extends Omit<Intent, "message" | "byteCount"> {
  /** What is written first. */
  readonly bytes: Uint8Array;
}

export class Streams {
  /** The one that the wire shows. */
  selected = $state.raw<Stream>();
  readonly #hops = new SvelteMap<string, TargetHop>();
  readonly #connection: Connection;
  /** Gets the `name~key` that the server created. */
  onKey: ((user: string, stream: Stream) => void) | undefined;
  /** Tells the time of the newest line of the history that is known. */
  newestTime: (() => string | undefined) | undefined;
  /** Gets each stream that begins, but none that was recorded. */
  onStart: ((stream: Stream) => void) | undefined;
  readonly #onHeader: (header: ReplyHeader, stream: Stream) => void;
  readonly #redraw = new RedrawThrottle();
  #all = new Map<number, Stream>();
  readonly #ownReads: Stream[] = [];
  /** Dialogues that were opened with each target. */
  readonly #dialogues = new Map<string, number>();
  #toShow: Stream | undefined;
  #lastId = 0;
  #droppedCount = 0;
  /** The newest exchange whose reply header has come. */
  #lastHeader = 0;
  #keptBytes = 0;

  /** @param onHeader gets the header of each reply, unless a newer exchange has had one */
  constructor(connection: Connection, onHeader: (header: ReplyHeader, stream: Stream) => void) {
    this.#connection = connection;
    this.#onHeader = onHeader;
  }

  /** The state of the hop from the gateway to a target, by the latest that came over it. */
  hopTo(target: string): TargetHop {
    return this.#hops.get(target) ?? "unknown";
  }

  get list(): readonly Stream[] {
    this.#redraw.listen();
    return [...this.#all.values()];
  }

  get droppedCount(): number {
    this.#redraw.listen();
    return this.#droppedCount;
  }

  /** The services that the gateway lends; empty before it has said which. */
  get targets(): readonly AnnouncedTarget[] {
    return this.#connection.hello?.targets ?? [];
  }

  /** Where lines go when nothing else is chosen. */
  get target(): AnnouncedTarget {
    return defaultTarget(this.#connection.hello);
  }

  /** False where the gateway has only other services: of those the page asks nothing by itself. */
  get hasServer(): boolean {
    return this.target.name === serverName;
  }

  /**
   * Starts a request; `undefined` when there is no connection.
   *
   * @throws ProtocolError as `encodeMessage`
   */
  request({ operation, values = [], ...rest }: Order): Stream | undefined {
    const id = this.#lastId + 1;
    const intent = this.#intent(id, { ...rest, target: this.target }, encodeMessage(rest.user, operation, values));
    const timed = this.#connection.send({
      type: "request",
      id,
      user: rest.user,
      ...(operation === undefined ? {} : { operation }),
      ...(values.length === 0 ? {} : { arguments: [...values] }),
    });
    return timed && this.#begin(new Stream(id, intent, "request", timed));
  }

  /** Opens a stream with any bytes; `undefined` when there is no connection. */
  connect({ bytes: allBytes, end = false, ...rest }: ConnectOrder): Stream | undefined {
    const id = this.#lastId + 1;
    const isCut = allBytes.length > firstBytesMax;
    const bytes = isCut ? allBytes.subarray(0, firstBytesMax) : allBytes;
    const { schedule, read } = rest;
    const intent = this.#intent(id, { ...rest, byteCount: allBytes.length, end }, decodeText(bytes));
    const timed = this.#connection.send({
      type: "connect",
      id,
      target: intent.target.name,
      bytes: encodeBase64(bytes),
      end: end && !isCut,
      ...(schedule === undefined ? {} : { schedule: [...schedule] }),
      ...(read === undefined ? {} : { read }),
    });
    if (timed === undefined) return undefined;
    const stream = this.#begin(new Stream(id, intent, "connect", timed));
    if (isCut) this.write(stream, allBytes.subarray(firstBytesMax));
    if (isCut && end) this.end(stream);
    return stream;
  }

  /**
   * Sends more bytes on a conversation, in as many frames as they need; false when there is no connection.
   *
   * @param shown what is kept of them: as many bytes, without a secret
   */
  write(stream: Stream, bytes: Uint8Array, shown = bytes): boolean {
    for (let at = 0; at < bytes.length; at += dataBytesMax) {
      const atMs = this.#connection.sendBytes(encodeData(stream.id, bytes.slice(at, at + dataBytesMax)));
      if (atMs === undefined) return false;
      const before = stream.record.bytesKept;
      stream.noteSent(shown.slice(at, at + dataBytesMax), atMs);
      this.#keptBytes += stream.record.bytesKept - before;
    }
    return true;
  }

  /** Sends FIN to the target, after what was written. */
  end(stream: Stream): void {
    this.#control(stream, "end");
  }

  /** Sends RST to the target. */
  reset(stream: Stream): void {
    this.#control(stream, "reset");
  }

  /** Adds an exchange from elsewhere, under a new id. */
  adopt(create: (id: number) => Stream): Stream {
    const stream = this.#start(create(this.#lastId + 1));
    this.#keptBytes += stream.record.bytesKept;
    if (this.#keptBytes > allBytesKept) this.#releaseOldest(stream);
    return stream;
  }

  /** Puts streams of an earlier visit before all others. */
  restore(create: readonly ((id: number) => Stream)[]): void {
    const now = this.#all;
    this.#all = new Map();
    for (const each of create) this.adopt(each);
    for (const [id, stream] of now) this.#all.set(id, stream);
  }

  /** Forgets all that are over. */
  clear(): void {
    for (const stream of this.#all.values()) if (stream.state !== "running") this.#forget(stream);
    this.#droppedCount = 0;
  }

  /**
   * Shows an exchange on the wire, unless another is chosen meanwhile. It is drawn when it is over: drawing takes longer
   * than a reply, and would be what is measured.
   */
  async show(stream: Stream | undefined): Promise<void> {
    const before = this.selected;
    this.#toShow = stream;
    await stream?.overWithin(drawDelayMs);
    if (this.#toShow === stream && this.selected === before) this.selected = stream;
  }

  /** Makes the gateway close the exchange's connection to the server. */
  cancel(stream: Stream): void {
    this.#control(stream, "cancel");
  }

  /** Keeps the newest of the page's own reads and failed attempts: there are dozens of them. */
  keepFew(read: Stream): void {
    this.#ownReads.push(read);
    if (this.#ownReads.length <= ownReadsKept) return;
    const oldest = this.#ownReads.shift();
    if (oldest !== undefined && oldest !== this.selected && oldest.state !== "running") this.#forget(oldest);
  }

  #forget(stream: Stream): void {
    this.#remove(stream);
    if (this.selected === stream) this.selected = undefined;
    this.#redraw.mark();
  }

  /** A control frame came. One that belongs to no exchange is the caller's concern: `false` is returned. */
  takeFrame(frame: GatewayFrame, timed: TimedText): boolean {
    if ((frame.type !== "open" && frame.type !== "end" && frame.type !== "error") || frame.id === null) return false;
    const stream = this.#all.get(frame.id);
    if (stream?.state === "running") {
      stream.takeFrame(frame, timed, this.#connection.clock);
      const { name } = stream.intent.target;
      if (frame.type === "open" && this.hopTo(name) === "failed") this.#hops.delete(name);
      else if (frame.type === "error" && frame.hop === "gateway-server" && stream.receivedBytes === 0)
        this.#hops.set(name, frame.at.established === undefined ? "failed" : "silent");
      this.#noteHeader(stream);
    }
    return true;
  }

  takeBytes(frame: ByteFrame, atMs: number): void {
    const stream = this.#all.get(frame.id);
    if (stream?.state !== "running") return;
    if (frame.kind === "data") this.#hops.set(stream.intent.target.name, "good");
    const before = stream.record.bytesKept;
    stream.takeBytes(frame, atMs, this.#connection.clock);
    this.#keptBytes += stream.record.bytesKept - before;
    // A conversation is over when both ends have closed it.
    const isDriven = stream.intent.driver !== undefined;
    if (frame.kind === "fin" && frame.isFromTarget && stream.at.ended === undefined && !isDriven)
      this.#control(stream, "end");
    this.#noteHeader(stream);
    if (this.#keptBytes > allBytesKept) this.#releaseOldest(stream);
  }

  /** The connection is lost, and with it each exchange that is running. */
  lose(reason: string): void {
    this.#hops.clear();
    const atMs = performance.now();
    for (const stream of this.#all.values()) {
      if (stream.state !== "running") continue;
      const message = lostPrefix + reason;
      stream.end({ kind: "failed", hop: "page-gateway", code: "gateway-lost", message }, atMs);
    }
  }

  #control(stream: Stream, type: "cancel" | "end" | "reset"): void {
    const timed = this.#connection.send({ type, id: stream.id });
    if (timed === undefined) return;
    stream.isEnding = true;
    stream.noteControl("sent", type, timed);
  }

  #intent(id: number, rest: Omit<Intent, "message">, message: string): Intent {
    const onKey = (user: string) => {
      const stream = this.#all.get(id);
      if (stream !== undefined) this.onKey?.(user, stream);
    };
    return { ...rest, message, after: this.newestTime?.(), onKey };
  }

  #begin(stream: Stream): Stream {
    this.onStart?.(stream);
    return this.#start(stream);
  }

  #start(stream: Stream): Stream {
    this.#lastId = stream.id;
    this.#all.set(stream.id, stream);
    if (stream.isDialogue) stream.number = this.#count(stream.intent.target.name);
    this.#keepCountBounded();
    void stream.overWithin(drawDelayMs).then(() => this.#redraw.mark());
    return stream;
  }

  #count(target: string): number {
    const number = (this.#dialogues.get(target) ?? 0) + 1;
    this.#dialogues.set(target, number);
    return number;
  }

  #keepCountBounded(): void {
    if (this.#all.size <= streamsKept) return;
    for (const stream of this.#all.values()) {
      if (stream.state === "running" || stream === this.selected) continue;
      this.#remove(stream);
      this.#droppedCount += 1;
      return;
    }
  }

  #noteHeader(stream: Stream): void {
    const { id, header } = stream;
    if (header === undefined || id <= this.#lastHeader) return;
    this.#lastHeader = id;
    this.#onHeader(header, stream);
  }

  #remove(stream: Stream): void {
    if (this.#all.delete(stream.id)) this.#keptBytes -= stream.record.bytesKept;
  }

  /** The selected exchange and those that run keep their bytes. */
  #releaseOldest(growing: Stream): void {
    for (const stream of this.#all.values()) {
      if (this.#keptBytes <= allBytesKept) return;
      const isNeeded = stream === growing || stream === this.selected || stream.state === "running";
      if (!isNeeded && stream.record.bytesKept > 0) this.#keptBytes -= stream.release();
    }
  }
}
