/**
 * The WebSocket of a page, and the streams that it carries, in frames of `wirebook.v2` [G-2]…[G-8]. A frame that is refused is
 * answered with an `error`; the WebSocket is closed only on a page that goes on sending such frames. One for a stream that does
 * not run is dropped: it crossed the stream's end on the way.
 */

import {
  decodeByteFrame,
  decodePageFrame,
  encodeByteFrame,
  encodeFrame,
  pageFrameBytesMax,
  streamIdMax,
} from "@wirebook/protocol";
import type { ByteFrameKind, GatewayFrame, PageFrame } from "@wirebook/protocol";
import { describeForbidden, mayUseTargets } from "../auth/identity.ts";
import { TokenBucket } from "../bounds.ts";
import { PageFlows } from "../flows/page-flows.ts";
import { Stream, type StreamEnd } from "../streams/stream.ts";
import { closeCodes, WebSocketConnection, type Client, type ConnectionShared } from "./connection.ts";
import { announce, FrameError, hopOf, pageFaults, readStreamRequest } from "./page-frames.ts";

/** Milliseconds for which changes of a state are gathered. */
const stateGatherMs = 10;
const noBytes = new Uint8Array(0);
const guestRights = "a guest may watch the presentation of a link, and nothing else";

export class PageConnection extends WebSocketConnection {
  readonly mayWatch: boolean;
  readonly #isGuest: boolean;
  /** The frames that it may send, and how many of them may be faulty [G-4]. */
  readonly #frames: TokenBucket;
  readonly #faults: TokenBucket;
  #createdFlows: PageFlows | undefined;
  /** What the page is to be told anew once it has room, by the type of the frame. */
  readonly #states = new Map<GatewayFrame["type"], () => GatewayFrame | undefined>();
  /** Runs while a guest watches nothing. */
  #guestDeadline: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(client: Client, shared: ConnectionShared) {
    super(client, shared);
    const { frameBurstMax, framesPerSecondMax, faultBurstMax } = shared.limits;
    this.#isGuest = client.identity.isGuest === true;
    this.mayWatch = client.mayWatch && !this.#isGuest;
    this.#frames = new TokenBucket(frameBurstMax, framesPerSecondMax);
    this.#faults = new TokenBucket(faultBurstMax, 1);
    this.#greet();
  }

  sendFrame(frame: GatewayFrame): void {
    this.queue.send(encodeFrame(frame));
  }

  /** Tells the page soon how something is then, if at all: other pages can change it thousands of times a second. */
  sendState(type: GatewayFrame["type"], describe: () => GatewayFrame | undefined): void {
    if (this.#states.size === 0) setTimeout(() => this.#sendStates(), stateGatherMs);
    this.#states.set(type, describe);
  }

  #sendStates(): void {
    if (this.queue.isFull) return; // `onFree` follows.
    const frames = [...this.#states.values()].map((describe) => describe());
    this.#states.clear();
    for (const frame of frames) if (frame !== undefined) this.sendFrame(frame);
  }

  override drain(): void {
    this.#isDraining = true;
    const message = "the gateway is stopping; running exchanges may end, and new ones are refused";
    this.#sendError(this.#shuttingDown(null, message), performance.now());
    for (const stream of this.streams.values()) {
      if (stream.request.isFollow || stream.request.isConversation) stream.stop();
    }
    this.#closeWhenDrained();
  }

  override onGone(): void {
    clearTimeout(this.#guestDeadline);
    this.#createdFlows?.close();
    for (const stream of this.streams.values()) {
      if (this.#isDraining) stream.stop();
      else stream.connection.cancel();
    }
  }

  override onFree(): void {
    super.onFree();
    this.#sendStates();
    this.onEmpty();
  }

  protected override onEmpty(): void {
    this.#createdFlows?.wake();
  }

  onViewEnd(): void {
    if (this.#isGuest) this.close(closeCodes.normal, "presented-end: the presentation is over");
  }

  sendListening(): void {
    const describe = () => ({ type: "listening", listening: this.shared.listening.ports }) as const;
    if (!this.#isGuest) this.sendState("listening", describe);
  }

  override onOpen({ id, record: { local, remote, tls, at } }: Stream): void {
    // JSON leaves out what is undefined.
    this.queue.send(JSON.stringify({ type: "open", id, local, remote, tls, at }));
  }

  override onWritten(stream: Stream, byteCount: number, atMs: number): void {
    this.#sendBytes("written", stream, false, byteCount, atMs);
  }

  override onRead(stream: Stream, bytes: Uint8Array, atMs: number): void {
    this.#sendBytes("data", stream, true, bytes, atMs);
  }

  override onFin(stream: Stream, isFromTarget: boolean, atMs: number): void {
    this.#sendBytes("fin", stream, isFromTarget, noBytes, atMs);
  }

  override onOver(stream: Stream, outcome: StreamEnd, retryAfterMs?: number): void {
    const { at, sentBytes, receivedBytes } = stream.record;
    const { id } = stream;
    const end =
      "reason" in outcome
        ? { type: "end", id, reason: outcome.reason }
        : { type: "error", id, code: outcome.code, hop: hopOf(outcome.code), message: outcome.message };
    this.queue.send(JSON.stringify({ ...end, at, sentBytes, receivedBytes, retryAfterMs }));
    this.remove(stream);
    this.shared.lessons.leave(stream);
    this.#closeWhenDrained();
  }

  #sendBytes(kind: ByteFrameKind, { id }: Stream, isFromTarget: boolean, body: Uint8Array | number, atMs: number) {
    const queuedKiB = this.queue.waitingBytes >>> 10;
    const header = { kind, leg: "target", isFromTarget, isAfterGap: false, queuedKiB, id, atMs } as const;
    // Memory from Node's pool: a third of what a small frame costs otherwise.
    this.queue.send(encodeByteFrame(header, body, (length) => Buffer.allocUnsafe(length)));
  }

  #greet(): void {
    const { version, limits, pool, lessons, targets } = this.shared;
    const { number, identity, proxyHeader } = this.client;
    const { user, role } = identity;
    this.sendFrame({
      type: "hello",
      version,
      timeOrigin: performance.timeOrigin,
      targets: this.#isGuest ? [] : [...targets.values()].map((target) => announce(target, proxyHeader)),
      lessons: mayUseTargets(role) ? lessons.announced : [],
      streamsMax: limits.streamsMax,
      connectionsMax: pool.slotsMax,
      socket: number,
      user,
      role,
      listening: this.#isGuest ? [] : this.shared.listening.ports,
      mayWatch: this.mayWatch,
    });
    if (!this.#isGuest) return;
    const reason = `forbidden: no presentation was named within ${limits.guestWatchMs / 1000} s; open the link again`;
    this.#guestDeadline = setTimeout(() => this.close(closeCodes.policyViolation, reason), limits.guestWatchMs);
  }

  protected override take(data: Buffer, isBinary: boolean, receivedMs: number): void {
    // A relay takes larger messages, and `ws` has one limit for both.
    if (data.length > pageFrameBytesMax) {
      return this.close(closeCodes.tooBig, `a frame of ${data.length} bytes is over the limit of ${pageFrameBytesMax}`);
    }
    try {
      if (isBinary) this.#takeBytes(data);
      else this.#takeFrame(data.toString(), receivedMs);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#refuse(error, receivedMs);
    }
  }

  #takeBytes(data: Uint8Array): void {
    if (this.#isGuest) throw new FrameError("forbidden", null, guestRights);
    const frame = decodeByteFrame(data);
    if (typeof frame === "string") throw invalid(frame);
    // What the page presents may be anything that it has seen.
    if (frame.id > streamIdMax) return this.#flows.takeBytes(frame);
    if (frame.kind !== "data" || frame.isFromTarget || frame.leg !== "target") {
      throw invalid("a page sends data toward the target in byte frames; FIN and RST are end and reset frames");
    }
    this.usedMs = performance.now();
    this.#findWritable(frame.id)?.write(frame.bytes);
  }

  #takeFrame(text: string, receivedMs: number): void {
    const decoded = decodePageFrame(text);
    if ("problem" in decoded) throw invalid(decoded.problem);
    const { frame } = decoded;
    if (this.#isGuest && !mayGuestSend(frame)) throw new FrameError("forbidden", null, guestRights);
    const { type } = frame;
    if (type === "clock") return this.sendFrame({ type, at: frame.at, gatewayAt: receivedMs });
    if (type === "request" || type === "connect") return this.#start(frame, receivedMs);
    if (type === "end") return this.#findWritable(frame.id)?.connection.end();
    if (type === "reset") return this.#reset(frame.id);
    if (type === "cancel") return this.streams.get(frame.id)?.connection.cancel();
    this.#flows.takeFrame(frame);
    clearTimeout(this.#guestDeadline);
  }

  get #flows(): PageFlows {
    return (this.#createdFlows ??= new PageFlows(this, this.shared));
  }

  #start(frame: Extract<PageFrame, { type: "request" | "connect" }>, receivedMs: number): void {
    const { id } = frame;
    const { lessons, limits, targets } = this.shared;
    const { identity } = this.client;
    if (this.streams.has(id)) {
      throw new FrameError("id-in-use", null, `stream ${id} still runs; give the new one another id`);
    }
    this.usedMs = receivedMs;
    if (!mayUseTargets(identity.role)) throw new FrameError("forbidden", id, describeForbidden(identity));
    const request = readStreamRequest(frame, targets, lessons.targets, receivedMs);
    if (this.#isDraining) throw this.#shuttingDown(id, "the gateway is stopping; connect again in a moment");
    if (this.streams.size >= limits.streamsMax) {
      const message = `${limits.streamsMax} streams run on this WebSocket; wait until one of them ends`;
      throw new FrameError("too-many-streams", id, message);
    }
    const stream = new Stream(request, this, this.shared);
    this.add(stream);
    if (targets.has(request.target.name)) stream.start();
    else lessons.enter(stream);
  }

  /** The stream with that id, to which the page may still write; `undefined` when it does not run. */
  #findWritable(id: number): Stream | undefined {
    const stream = this.streams.get(id);
    if (stream === undefined) return undefined;
    const { isConversation, schedule } = stream.request;
    if (!isConversation) throw invalid(`stream ${id} is a request, which is one line; send more with a connect frame`);
    if (schedule !== undefined) throw invalid(`stream ${id} follows its write schedule; nothing can be added to it`);
    if (stream.connection.isEnded) throw invalid(`stream ${id} was ended by this page; nothing can follow its FIN`);
    return stream;
  }

  #reset(id: number): void {
    if (this.streams.get(id)?.connection.reset() !== false) return;
    const message = `stream ${id} runs over a Unix socket, which has no RST; cancel it instead`;
    throw new FrameError("reset-impossible", null, message);
  }

  #refuse(error: FrameError, receivedMs: number): void {
    this.#sendError(error, receivedMs);
    if (this.#isGuest) return this.close(closeCodes.policyViolation, `${error.code}: ${error.message}`);
    if (!pageFaults.has(error.code) || this.#faults.take(receivedMs)) return;
    const reason = `${error.code}: too many faulty frames; see docs/reference/gateway-frames.md`;
    this.close(closeCodes.policyViolation, reason);
  }

  #shuttingDown(id: number | null, message: string): FrameError {
    return new FrameError("shutting-down", id, message, this.shared.limits.retryStoppedMs);
  }

  protected override admit(nowMs: number): boolean {
    if (this.#frames.take(nowMs)) return true;
    const { framesPerSecondMax } = this.shared.limits;
    const message = `more than ${framesPerSecondMax} frames within a second; send fewer`;
    this.#sendError(new FrameError("frame-rate", null, message), nowMs);
    this.close(closeCodes.policyViolation, `frame-rate: ${message}`);
    return false;
  }

  #sendError(error: FrameError, receivedMs: number): void {
    this.shared.metrics.frameErrors.inc({ code: error.code });
    this.sendFrame(error.toFrame(receivedMs));
  }

  #closeWhenDrained(): void {
    if (this.#isDraining && this.streams.size === 0) this.abort();
  }
}

/** A guest may name a presentation, and relate its times to the page's clock. */
function mayGuestSend(frame: PageFrame): boolean {
  return frame.type === "clock" || (frame.type === "watch" && frame.presentation !== undefined);
}

function invalid(problem: string): FrameError {
  return new FrameError("frame-invalid", null, problem);
}
