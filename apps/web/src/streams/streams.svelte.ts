/**
 * All streams of the page: starts them, and gives each frame to its own. No id is used twice while the page is open, so a
 * stream is still itself after a reconnect.
 */

import { SvelteMap } from "svelte/reactivity";
import { encodeBase64 } from "@wirebook/capture";
import {
  byteFrameHeaderBytes,
  decodeText,
  defined,
  encodeData,
  encodeMessage,
  firstBytesMax,
  pageFrameBytesMax,
} from "@wirebook/protocol";
import type { AnnouncedTarget, ByteFrame, GatewayFrame, PageFrame, ReplyHeader } from "@wirebook/protocol";
import type { GatewayConnection, TimedText } from "../gateway/connection.svelte.ts";
import { defaultTarget, serverName } from "../gateway/targets.ts";
import { allBytesKept, streamsKept, ownReadsKept } from "../limits.ts";
import { Stream, type Intent } from "./stream.svelte.ts";
import { StreamList } from "./stream-list.svelte.ts";

/** Milliseconds that drawing waits for the end of a stream: too short to be noticed. */
const drawDelayMs = 50;

const dataBytesMax = pageFrameBytesMax - byteFrameHeaderBytes;

type Connection = Pick<GatewayConnection, "send" | "sendBytes" | "clock" | "hello">;

export interface Order extends Omit<Intent, "message" | "byteCount" | "target"> {
  readonly operation?: number | undefined;
  readonly values?: readonly string[];
}

/** `good`: the target sent bytes; `silent`: it took the connection and sent nothing; `failed`: it did not take it. */
export type TargetHop = "unknown" | "good" | "silent" | "failed";

export interface ConnectOrder extends Omit<Intent, "message" | "byteCount"> {
  /** What is written first. */
  readonly bytes: Uint8Array;
}

export class Streams {
  /** The one that the inspector shows. */
  selected = $state.raw<Stream>();
  /** Gets the `name~key` that the server created. */
  onKey: ((user: string, stream: Stream) => void) | undefined;
  /** Tells the time of the newest line of the history that is known. */
  newestTime: (() => string | undefined) | undefined;
  /** Gets each that begins, and none that was recorded. */
  onStart: ((stream: Stream) => void) | undefined;
  readonly #hops = new SvelteMap<string, TargetHop>();
  readonly #connection: Connection;
  readonly #onHeader: (header: ReplyHeader, stream: Stream) => void;
  readonly #all = new StreamList(streamsKept, allBytesKept, (stream) => stream === this.selected);
  readonly #ownReads: Stream[] = [];
  readonly #dialogues = new Map<string, number>();
  #toShow: Stream | undefined;
  #lastId = 0;
  /** The newest stream whose reply header has come. */
  #lastHeader = 0;

  /** @param onHeader gets the header of each reply, unless a newer one has come */
  constructor(connection: Connection, onHeader: (header: ReplyHeader, stream: Stream) => void) {
    this.#connection = connection;
    this.#onHeader = onHeader;
  }

  hopTo(target: string): TargetHop {
    return this.#hops.get(target) ?? "unknown";
  }

  get list(): readonly Stream[] {
    return this.#all.all;
  }

  get droppedCount(): number {
    return this.#all.droppedCount;
  }

  /** The services that the gateway lends; empty before it has said which. */
  get targets(): readonly AnnouncedTarget[] {
    return this.#connection.hello?.targets ?? [];
  }

  get target(): AnnouncedTarget {
    return defaultTarget(this.#connection.hello);
  }

  /** False where the gateway has only other services: of those the page asks nothing by itself. */
  get hasServer(): boolean {
    return this.target.name === serverName;
  }

  /** Starts a request; `undefined` when there is no connection. @throws ProtocolError as `encodeMessage` */
  request({ operation, values = [], ...rest }: Order): Stream | undefined {
    const { user } = rest;
    const message = encodeMessage(user, operation, values);
    const words = values.length === 0 ? undefined : [...values];
    return this.#begin({ ...rest, target: this.target }, message, (id) => ({
      type: "request",
      id,
      user,
      ...defined({ operation, arguments: words }),
    }));
  }

  /** Opens a stream with any bytes; `undefined` when there is no connection. */
  connect({ bytes: allBytes, ...rest }: ConnectOrder): Stream | undefined {
    const { target, schedule, read, end = false } = rest;
    const isCut = allBytes.length > firstBytesMax;
    const bytes = isCut ? allBytes.subarray(0, firstBytesMax) : allBytes;
    const intent = { ...rest, byteCount: allBytes.length, end };
    const stream = this.#begin(intent, decodeText(bytes), (id) => ({
      type: "connect",
      id,
      target: target.name,
      bytes: encodeBase64(bytes),
      end: end && !isCut,
      ...defined({ schedule: schedule && [...schedule], read }),
    }));
    if (stream === undefined || !isCut) return stream;
    this.write(stream, allBytes.subarray(firstBytesMax));
    if (end) this.close(stream, "end");
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
      stream.noteSent(shown.slice(at, at + dataBytesMax), atMs);
    }
    return true;
  }

  /** Has the gateway send FIN after what was written, send RST at once, or close the connection as it does by itself. */
  close(stream: Stream, how: "end" | "reset" | "cancel"): void {
    const timed = this.#connection.send({ type: how, id: stream.id });
    if (timed === undefined) return;
    stream.isEnding = true;
    stream.noteControl("sent", how, timed);
  }

  /** Adds a stream from elsewhere, under a new id. */
  adopt(create: (id: number) => Stream): Stream {
    const stream = this.#number(create(this.#lastId + 1));
    this.#all.add(stream);
    return stream;
  }

  restore(create: readonly ((id: number) => Stream)[]): void {
    this.#all.putFirst(create.map((each) => this.#number(each(this.#lastId + 1))));
  }

  clear(): void {
    const { selected } = this;
    // A watched flow may be selected, and stays.
    const isOwn = selected !== undefined && this.#all.get(selected.id) === selected;
    this.#all.clear();
    if (isOwn && selected.state !== "running") this.selected = undefined;
  }

  /** Selects a stream when it is over, unless another is chosen meanwhile: drawing takes longer than a reply, and would be measured. */
  async show(stream: Stream | undefined): Promise<void> {
    const before = this.selected;
    this.#toShow = stream;
    await stream?.overWithin(drawDelayMs);
    if (this.#toShow === stream && this.selected === before) this.selected = stream;
  }

  /** Keeps the newest of the page's own reads and failed attempts: there are dozens of them. */
  keepFew(read: Stream): void {
    this.#ownReads.push(read);
    if (this.#ownReads.length <= ownReadsKept) return;
    const oldest = this.#ownReads.shift();
    if (oldest !== undefined && oldest !== this.selected && oldest.state !== "running") this.#all.remove(oldest);
  }

  /** A text frame came; false when it belongs to no stream. */
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
    stream.takeBytes(frame, atMs, this.#connection.clock);
    // A conversation is over when both ends have closed it.
    if (frame.kind === "fin" && frame.isFromTarget && stream.at.ended === undefined && stream.driver === undefined)
      this.close(stream, "end");
    this.#noteHeader(stream);
    this.#all.grew(stream, frame.bytes.length + frame.writtenBytes);
  }

  lose(reason: string): void {
    this.#hops.clear();
    this.#all.lose(`the gateway was lost: ${reason}`, performance.now());
  }

  #begin(
    rest: Omit<Intent, "message">,
    message: string,
    frameOf: (id: number) => Extract<PageFrame, { type: "request" | "connect" }>,
  ): Stream | undefined {
    const frame = frameOf(this.#lastId + 1);
    const timed = this.#connection.send(frame);
    if (timed === undefined) return undefined;
    const onKey = (user: string) => this.onKey?.(user, stream);
    const intent: Intent = { ...rest, message, after: this.newestTime?.(), onKey };
    const stream = this.#number(new Stream(frame.id, intent, frame.type, timed));
    this.onStart?.(stream);
    this.#all.add(stream);
    return stream;
  }

  #number(stream: Stream): Stream {
    this.#lastId = stream.id;
    void stream.overWithin(drawDelayMs).then(() => this.#all.mark());
    if (!stream.isDialogue) return stream;
    const { name } = stream.intent.target;
    stream.number = (this.#dialogues.get(name) ?? 0) + 1;
    this.#dialogues.set(name, stream.number);
    return stream;
  }

  #noteHeader(stream: Stream): void {
    const { id, header } = stream;
    if (header === undefined || id <= this.#lastHeader) return;
    this.#lastHeader = id;
    this.#onHeader(header, stream);
  }
}
