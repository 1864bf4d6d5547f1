/**
 * One peer's socket, from accept to close: the message that comes by it, its deadlines, and how it is closed.
 *
 * Three things make a TCP close polite. The peer may send FIN before it has read anything, so sockets are half-open. A
 * socket closed with unread bytes makes the kernel send RST, which destroys what the peer has not read yet; so what
 * comes behind the message is thrown away until the peer closes too, within bounds [W-17]. And a reply that cannot be
 * finished must not look whole, so it ends with RST [W-16].
 */

import type { Socket } from "node:net";
import { abort, normalizeAddress, readProxyHeader } from "@wirebook/net";
import { decodeMessage, isDestructive, joinBytes, messageBytesMax, ProtocolError } from "@wirebook/protocol";
import { ServerError, stopping } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** Why a message cannot be taken, if it cannot; `broken` when the connection was, so that no peer is left. */
export type Problem = ProtocolError | ServerError | "broken" | undefined;

/** Whoever accepts connections. */
export interface ConnectionOwner {
  readonly limits: Limits;
  /** Addresses of proxies, which say for whom they connect [W-20]. */
  readonly trustedProxies: ReadonlySet<string>;
  /** Called once, when the message has ended in whatever way; in the end it calls `end` or `reset`. */
  serve(connection: Connection, problem: Problem): void;
  /** Calls `expire` of each connection whose deadline has passed, at this time at the latest. */
  wakeAt(deadlineMs: number): void;
  /** Called once, when the connection is closed and its request carried out. */
  leave(connection: Connection): void;
}

/** What a deadline is for. They are absolute and our own, since `socket.setTimeout` starts again with every byte. */
type Awaited = "message" | "silence" | "progress" | "close";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing = new Uint8Array(0);

export class Connection {
  /** The peer's address, or what a trusted proxy gave as the address of the one for whom it connects. */
  address: string;
  /** The bytes of the message so far, without its line ending. */
  message: Uint8Array = nothing;
  /** False while it may be a probe, such as a load balancer's, which sends nothing. */
  hasBytes = false;
  /** On the clock of `performance.now`. */
  deadlineMs = Infinity;
  /** Kept by its owner: where it stands among all, and the network that it counts for, `undefined` when it was refused. */
  place = 0;
  network: string | undefined;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  /** What has come of a trusted proxy's header, where one is due. */
  #header: Uint8Array | undefined;
  #awaited: Awaited = "message";
  #messageDeadlineMs: number;
  #isStopping = false;
  #isReceived = false;
  #isAnswered = false;
  #isClosed = false;
  #discardedBytes = 0;
  #onDrain: () => void = ignore;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.address = normalizeAddress(socket.remoteAddress ?? "") ?? "unknown";
    // Whether there is a header follows from the peer's address alone, never from what came.
    if (owner.trustedProxies.has(this.address)) this.#header = nothing;
    socket.on("error", ignore); // `close` follows every error and is what the connection acts upon.
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.#endMessage());
    socket.on("close", () => this.#takeClose());
    this.#await("message", owner.limits.messageDeadlineMs);
    this.#messageDeadlineMs = this.deadlineMs;
  }

  get closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) resolve();
      else this.#socket.once("close", () => resolve());
    });
  }

  /** The server stops: gives a message that has not ended no more than so many milliseconds [W-19]. */
  shortenDeadline(withinMs: number): void {
    if (this.#isReceived) return;
    this.#isStopping = true;
    this.#messageDeadlineMs = performance.now() + withinMs;
    if (this.deadlineMs > this.#messageDeadlineMs) this.#await("message", withinMs);
  }

  expire(): void {
    this.deadlineMs = Infinity;
    if (this.#awaited === "silence") this.#endMessage();
    else if (this.#awaited === "message") this.settle(this.#isStopping ? stopping() : this.#unfinished());
    else if (this.#awaited === "progress") this.abort();
    else this.close();
  }

  /** Sends bytes; resolves when more may be sent, with false when the peer is gone or takes nothing for `replyStallMs`. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#socket.destroyed) return false;
    return this.#socket.write(bytes) || this.#drained();
  }

  /**
   * Sends the last bytes and FIN. Where the peer's FIN was read and the kernel has taken the whole reply, nothing can lie
   * unread and make the kernel send RST, so the close itself sends the FIN.
   */
  end(bytes: Uint8Array | string = nothing): void {
    const socket = this.#socket;
    if (!socket.destroyed && bytes.length > 0) socket.write(bytes);
    if (socket.writableLength > 0) {
      this.#await("progress", this.#owner.limits.replyStallMs);
      socket.end(() => this.#linger());
    } else if (socket.readableEnded) this.close();
    else {
      socket.end();
      this.#linger();
    }
    this.#finishRequest();
  }

  /** Closes by RST, since what the peer has is not the whole; its request is carried out. */
  reset(): void {
    this.abort();
    this.#finishRequest();
  }

  /** Closes by RST, whatever its request is doing. */
  abort(): void {
    abort(this.#socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Finds out whether a silent peer is still there [W-15]. After the peer's FIN libuv reads nothing and hears of no error;
   * writing nothing sends nothing, and fails where the connection is gone.
   */
  keepAlive(): void {
    const { followKeepAliveMs, followLookMs } = this.#owner.limits;
    this.#socket.setKeepAlive(true, followKeepAliveMs);
    const looking = setInterval(() => {
      const { readableEnded, writable, writableLength } = this.#socket;
      if (readableEnded && writable && writableLength === 0) this.#socket.write("");
    }, followLookMs).unref();
    void this.closed.then(() => clearInterval(looking));
  }

  #take(chunk: Uint8Array): void {
    if (this.#isReceived) return this.#discard(chunk.length);
    const bytes = this.#header === undefined ? chunk : this.#takeHeader(joinBytes(this.#header, chunk));
    if (bytes.length === 0) return;
    this.hasBytes = true;
    const at = bytes.indexOf(lineFeed);
    const line = joinBytes(this.message, at < 0 ? bytes : bytes.subarray(0, at));
    const endingBytes = line.at(-1) === carriageReturn ? 1 : 0;
    const isTooLong = line.length - endingBytes > messageBytesMax;
    this.message = isTooLong ? line.subarray(0, messageBytesMax + 2) : line;
    if (at < 0 && !isTooLong) return this.#awaitMore();
    this.#endMessage();
    this.#discard(bytes.length - at - 1);
  }

  /** Takes a proxy's header off what came, and gives back what belongs to the message [W-20]. */
  #takeHeader(bytes: Uint8Array): Uint8Array {
    const reading = readProxyHeader(bytes);
    this.#header = reading.state === "whole" ? undefined : bytes;
    if (reading.state === "invalid") this.settle(this.#badHeader(reading.problem));
    if (reading.state !== "whole") return nothing;
    this.address = reading.connection?.source.address ?? this.address;
    return bytes.subarray(reading.length);
  }

  #badHeader(why: string): ServerError {
    const due = `a connection from ${this.address} must begin with a PROXY header of version 2`;
    const instead = "start the gateway with --proxy-protocol, or connect from another address";
    return new ServerError("proxy-header", `${due}, and ${why}; ${instead}`);
  }

  #awaitMore(): void {
    const { messageSilenceMs } = this.#owner.limits;
    const leftMs = this.#messageDeadlineMs - performance.now();
    if (messageSilenceMs < leftMs && !this.#destroys()) this.#await("silence", messageSilenceMs);
    else this.#await("message", leftMs);
  }

  /** True when the words so far ask for something that destroys, so that silence must not end the message [W-5]. */
  #destroys(): boolean {
    try {
      return isDestructive(decodeMessage(this.message).words);
    } catch {
      return false; // It is malformed, and the same reading will say so to the peer once the message has ended.
    }
  }

  #unfinished(): ProtocolError {
    const within = `within ${this.#owner.limits.messageDeadlineMs} ms`;
    if (!this.#destroys()) {
      const sentence = `no whole message came ${within}; send one line and end it with a newline`;
      return new ProtocolError("message-unfinished", sentence);
    }
    const sentence = `a message that deletes must end with a newline, and none came ${within}; nothing was deleted`;
    return new ProtocolError("message-unterminated", sentence);
  }

  /** Ends the message where it stands: at a line feed, at FIN, or by silence [W-5]. */
  #endMessage(): void {
    if (this.message.at(-1) === carriageReturn && !this.#isReceived) this.message = this.message.subarray(0, -1);
    this.settle(this.#header?.length ? this.#badHeader("it ended before its header did") : undefined);
  }

  /** Ends the waiting for a message; with a problem, what has not come is left unread [W-18]. */
  settle(problem: Problem): void {
    if (this.#isReceived) return;
    this.#isReceived = true;
    this.deadlineMs = Infinity;
    this.#owner.serve(this, problem);
  }

  /** Beyond the bound the peer's bytes stay in the kernel, whose window then holds the peer back. */
  #discard(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > this.#owner.limits.discardedBytesMax) this.#socket.pause();
  }

  #await(what: Awaited, withinMs: number): void {
    this.#awaited = what;
    this.deadlineMs = performance.now() + withinMs;
    this.#owner.wakeAt(this.deadlineMs);
  }

  async #drained(): Promise<boolean> {
    this.#await("progress", this.#owner.limits.replyStallMs);
    await new Promise<void>((resolve) => {
      this.#onDrain = resolve;
      this.#socket.once("drain", resolve);
    });
    this.deadlineMs = Infinity;
    return !this.#socket.destroyed;
  }

  #linger(): void {
    this.#await("close", this.#owner.limits.lingerMs);
  }

  #takeClose(): void {
    // Node's handle of a closed socket outlives some rounds of the garbage collector, with all that hangs on it.
    this.#socket.removeAllListeners().on("error", ignore);
    this.settle("broken");
    this.deadlineMs = Infinity;
    this.#isClosed = true;
    this.#onDrain();
    if (this.#isAnswered) this.#owner.leave(this);
  }

  #finishRequest(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    if (this.#isClosed) this.#owner.leave(this);
  }
}

function ignore(): void {}
