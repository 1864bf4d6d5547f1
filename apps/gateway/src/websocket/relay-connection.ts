/**
 * The WebSocket of any client that wants a target's bytes and nothing else: a transparent relay, as websockify has it [G-13].
 *
 * Messages in, text or binary, are bytes out; each read is one binary message. The target's FIN closes the WebSocket with
 * 1000, its RST and every other failure with 1011 and the reason, once the client's machine has taken what came before. A
 * client that reads slowly, or not at all for a while, holds its target back and nothing else. The client's close sends FIN to the target; what the
 * target still sends is dropped for `relayLingerMs`, so that it can end in peace, then the connection is reset.
 */

import type { Target } from "@wirebook/net";
import type { FlowHead } from "@wirebook/protocol";
import type { LoggedFlow } from "../flows/frame-log.ts";
import { Stream } from "../streams/stream.ts";
import type { StreamEnd, StreamOwner, StreamQueue, StreamRequest } from "../streams/stream.ts";
import { closeCodes, WebSocketConnection } from "./connection.ts";
import type { Client, ConnectionShared } from "./connection.ts";
import { announce } from "./page-frames.ts";
import { SendQueue } from "./send-queue.ts";

/** The connection of one client of the relay. */
export class RelayConnection extends WebSocketConnection implements StreamOwner {
  readonly queue: RelayQueue;
  readonly #stream: Stream;
  /** Whoever watches sees a relay as a flow. */
  readonly #logged: LoggedFlow;
  #linger: NodeJS.Timeout | undefined;
  /** How to close the WebSocket once nothing waits for the client. */
  #closing: { readonly code: number; readonly reason: string } | undefined;

  constructor(client: Client, target: Target, shared: ConnectionShared) {
    super(client, shared);
    const request = relayTo(target);
    const { webSocket, socket, address, proxyHeader } = client;
    const head: FlowHead = {
      target: announce(target, proxyHeader),
      via: "relay",
      client: { address, port: socket.remotePort ?? 0 },
      at: { received: request.receivedMs },
    };
    this.#logged = shared.flowLog.begin(head);
    this.queue = new RelayQueue(webSocket, socket, shared.limits, this);
    this.queue.record(this.#logged, head);
    this.queue.onOver = (code, reason) => {
      this.#closing = { code, reason };
      this.onEmpty();
    };
    this.#stream = new Stream(request, this, shared);
    shared.metrics.began(this.#stream.record);
    this.#stream.start();
  }

  override streams(): readonly Stream[] {
    return this.#stream.outcome === undefined ? [this.#stream] : [];
  }

  override get streamCount(): number {
    return 1;
  }

  /** A relay may last for any time, so it ends at once. */
  override drain(): void {
    this.abort();
  }

  override onGone(): void {
    if (this.#stream.outcome !== undefined || this.#linger !== undefined) return;
    if (this.#stream.isUnused) return this.#stream.cancel();
    this.#stream.end();
    // Nothing holds the target back any more: what comes is dropped.
    this.#stream.resume();
    this.#linger = setTimeout(() => this.#stream.cancel(), this.shared.limits.relayLingerMs);
  }

  onOver(stream: Stream): void {
    clearTimeout(this.#linger);
    this.note(stream);
  }

  protected override take(data: Buffer, _isBinary: boolean, nowMs: number): void {
    this.usedMs = nowMs;
    if (data.length > 0 && !this.#stream.isEnded) this.#logged.read(false, data, nowMs, true);
    this.#stream.write(data);
  }

  /** Its messages are bytes for the target, whose window slows them down. */
  protected override admit(): boolean {
    return true;
  }

  /** A client that does not read gets no ping either. */
  protected override get missedPingsMax(): number {
    return this.queue.isFull ? this.shared.limits.relayMissedPingsMax : 0;
  }

  onEmpty(): void {
    // `ws` waits for the client's answer for a moment only, and then drops what still waits.
    if (this.#closing !== undefined && this.queue.waitingBytes === 0)
      this.close(this.#closing.code, this.#closing.reason);
  }
}

/** Passes on what was read, and nothing beside it. What happens is seen by whoever watches. */
class RelayQueue extends SendQueue implements StreamQueue {
  /** Closes the WebSocket once the stream is over. */
  onOver: ((code: number, reason: string) => void) | undefined;
  #logged: LoggedFlow | undefined;
  #head: FlowHead | undefined;

  /** Says where the relay is written down. */
  record(logged: LoggedFlow, head: FlowHead): void {
    this.#logged = logged;
    this.#head = head;
  }

  sendOpen({ record: { local, remote, tls, at } }: Stream): void {
    if (this.#head === undefined) return;
    const known = { ...(local && { local }), ...(remote && { remote }), ...(tls && { tls }) };
    this.#logged?.change({ ...this.#head, ...known, at: { ...at } });
  }

  sendWritten(_stream: Stream, byteCount: number, atMs: number): void {
    this.#logged?.written(false, byteCount, atMs);
  }

  sendRead(_stream: Stream, bytes: Uint8Array, atMs: number): void {
    this.#logged?.read(true, bytes, atMs, false);
    this.send(Buffer.from(bytes));
  }

  sendFin(stream: Stream, isFromTarget: boolean, atMs: number): void {
    this.#logged?.closed("fin", "target", isFromTarget, atMs);
    // A WebSocket cannot be half-closed.
    if (isFromTarget) stream.end();
  }

  sendOver({ record }: Stream, outcome: StreamEnd): void {
    this.#logged?.over(outcome, record.at);
    if ("reason" in outcome) this.onOver?.(closeCodes.normal, "");
    else this.onOver?.(closeCodes.internalError, `${outcome.code}: ${outcome.message}`);
  }
}

function relayTo(target: Target): StreamRequest {
  return {
    id: 1,
    target,
    message: new Uint8Array(0),
    isEnded: false,
    isConversation: true,
    isFollow: false,
    schedule: undefined,
    read: undefined,
    receivedMs: performance.now(),
    operation: "relay",
    shown: "relay",
  };
}
