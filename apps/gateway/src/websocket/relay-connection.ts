/**
 * The WebSocket of any client that wants a target's bytes and nothing else: a transparent relay, as websockify has it [G-13].
 *
 * Messages in, text or binary, are bytes out; each read is one binary message. The target's FIN closes the WebSocket with
 * 1000, every failure with 1011 and the reason, once the client's machine has taken what came before. The client's close sends
 * FIN to the target; what that still sends is dropped for `relayLingerMs`. Watchers see a flow.
 */

import type { Target } from "@wirebook/net";
import type { FlowHead } from "@wirebook/protocol";
import type { LoggedFlow } from "../flows/frame-log.ts";
import { Stream, type StreamEnd } from "../streams/stream.ts";
import { closeCodes, WebSocketConnection, type Client, type ConnectionShared } from "./connection.ts";
import { announce } from "./page-frames.ts";

export class RelayConnection extends WebSocketConnection {
  readonly #stream: Stream;
  readonly #head: FlowHead;
  readonly #logged: LoggedFlow;
  #linger: NodeJS.Timeout | undefined;

  constructor(client: Client, target: Target, shared: ConnectionShared) {
    super(client, shared);
    const { socket, address, proxyHeader } = client;
    const receivedMs = performance.now();
    this.#head = {
      target: announce(target, proxyHeader),
      via: "relay",
      client: { address, port: socket.remotePort ?? 0 },
      at: { received: receivedMs },
    };
    this.#logged = shared.flowLog.begin(this.#head);
    const message = new Uint8Array(0);
    const kind = { isEnded: false, isConversation: true, isFollow: false, operation: "relay", shown: "relay" };
    this.#stream = new Stream({ id: 1, target, message, receivedMs, ...kind }, this, shared);
    this.add(this.#stream);
    this.#stream.start();
  }

  /** A relay may last for any time, so it ends at once. */
  override drain(): void {
    this.abort();
  }

  override onGone(): void {
    const { outcome, isUnused, connection } = this.#stream;
    if (outcome !== undefined || this.#linger !== undefined) return;
    if (isUnused) return connection.cancel();
    connection.end();
    // Nothing holds the target back any more: what comes is dropped.
    connection.resume();
    this.#linger = setTimeout(() => connection.cancel(), this.shared.limits.relayLingerMs);
  }

  protected override take(data: Buffer, _isBinary: boolean, nowMs: number): void {
    this.usedMs = nowMs;
    if (data.length > 0 && !this.#stream.connection.isEnded) this.#logged.read(false, data, nowMs, true);
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

  override onOpen({ record: { local, remote, tls, at } }: Stream): void {
    this.#logged.change({ ...this.#head, local, remote, tls, at: { ...at } });
  }

  override onWritten(_stream: Stream, byteCount: number, atMs: number): void {
    this.#logged.written(false, byteCount, atMs);
  }

  override onRead(_stream: Stream, bytes: Uint8Array, atMs: number): void {
    this.#logged.read(true, bytes, atMs, false);
    this.queue.send(Buffer.from(bytes));
  }

  override onFin(stream: Stream, isFromTarget: boolean, atMs: number): void {
    this.#logged.closed("fin", "target", isFromTarget, atMs);
    // A WebSocket cannot be half-closed.
    if (isFromTarget) stream.connection.end();
  }

  override onOver(stream: Stream, outcome: StreamEnd): void {
    clearTimeout(this.#linger);
    this.#logged.over(outcome, stream.record.at);
    this.remove(stream);
    this.onEmpty();
  }

  protected override onEmpty(): void {
    const { outcome } = this.#stream;
    // `ws` waits for the client's answer for a moment only, and then drops what still waits.
    if (outcome === undefined || this.queue.waitingBytes > 0) return;
    if ("reason" in outcome) this.close(closeCodes.normal, "");
    else this.close(closeCodes.internalError, `${outcome.code}: ${outcome.message}`);
  }
}
