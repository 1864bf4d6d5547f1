/**
 * One peer's socket, from accept to close: the message that comes by it, its deadlines, and how it is closed.
 *
 * Three things make a TCP close polite, and this file owns them. The peer may send FIN before it has read anything, so
 * sockets are half-open. A socket closed with unread bytes makes the kernel send RST, which destroys what the peer has
 * not read yet; so whatever comes behind the message is read and thrown away until the peer closes too, within bounds
 * [W-17]. And a reply that cannot be finished must not look whole, so it ends with RST on purpose [W-16].
 *
 * All deadlines are absolute and our own: `socket.setTimeout` starts again with every byte and fires late on a peer that
 * never reads. An `error` of the socket needs no handling beyond its listener, since `close` always follows.
 *
 * Most requests pass here, so a connection calls its owner back: promises are for those that read or follow.
 */

import type { Socket } from "node:net";
import { abort, Deadline, normalizeAddress, readProxyHeader } from "@wirebook/net";
import { decodeMessage, isDestructive, joinBytes, MessageReader, ProtocolError } from "@wirebook/protocol";
import { ServerError, stopping } from "../errors.ts";
import type { Limits } from "../limits.ts";

/** The message of a connection, or why there is none. */
export interface Received {
  /** The bytes of the message that came, without its line ending. */
  readonly bytes: Uint8Array;
  readonly hasBytes: boolean;
  /** Why the message cannot be taken. */
  readonly problem: ProtocolError | ServerError | undefined;
  /** True when the connection broke before the message ended, so no peer is left to answer. */
  readonly isBroken: boolean;
}

/** Whoever accepts connections. */
export interface ConnectionOwner {
  readonly limits: Limits;
  /** Addresses of proxies, which say for whom they connect [W-20]. */
  readonly trustedProxies: ReadonlySet<string>;
  /** Called once, when the message has ended in whatever way; in the end it calls `end` or `reset`. */
  serve(connection: Connection, received: Received): void;
  /** Called once, when the connection is closed and its request carried out. */
  leave(connection: Connection): void;
}

/** What a connection waits for until its deadline; `message-in-time` is that of a server which is stopping. */
type Awaited = "message" | "message-in-time" | "progress" | "close";

const nothing = new Uint8Array(0);

/** A connection that was accepted. It closes by `end`, by `reset`, or by the peer's doing. */
export class Connection {
  /** The peer's address, or what a trusted proxy gave as the address of the one for whom it connects. */
  address: string;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #deadline = new Deadline(() => this.#expire());
  /** Set while silence would end the message [W-5]. */
  #silence: Deadline | undefined;
  readonly #message = new MessageReader();
  /** What has come of a trusted proxy's header; `undefined` when none is due or it is whole. */
  #header: Uint8Array | undefined;
  #hasBytes = false;
  #isReceived = false;
  #isAnswered = false;
  #isClosed = false;
  #discardedBytes = 0;
  #awaited: Awaited = "message";

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.address = normalizeAddress(socket.remoteAddress ?? "") ?? "unknown";
    // Whether there is a header follows from the peer's address alone, never from what came.
    if (owner.trustedProxies.has(this.address)) this.#header = nothing;
    socket.on("error", ignore);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.#finishMessage());
    socket.on("close", () => this.#takeClose());
    this.#deadline.set(owner.limits.messageDeadlineMs);
  }

  /** Settles when the connection is closed. */
  get closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) resolve();
      else this.#socket.once("close", () => resolve());
    });
  }

  /** Gives a message that has not ended no more than so many milliseconds [W-19]. */
  shortenDeadline(withinMs: number): void {
    if (!this.#isReceived) this.#await("message-in-time", withinMs);
  }

  /** Ends the waiting for a message, which is then left unread [W-18]. */
  refuse(problem: ServerError): void {
    this.#settle(problem);
  }

  /**
   * Sends bytes; resolves when more may be sent, with false when the peer is gone.
   *
   * A peer that takes nothing for `replyStallMs` is reset.
   */
  async write(bytes: Uint8Array | string): Promise<boolean> {
    if (this.#socket.destroyed) return false;
    return this.#socket.write(bytes) || this.#drained();
  }

  /**
   * Sends the last bytes and FIN, and lets the connection close.
   *
   * Behind the peer's FIN nothing can come that would lie unread and make the kernel send RST. So where that was read,
   * and the kernel has taken the whole reply, there is nothing to wait for, and the close itself sends the FIN.
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

  /** Closes by RST, which tells the peer that what it has is not the whole; its request is carried out. */
  reset(): void {
    this.abort();
    this.#finishRequest();
  }

  /** Closes by RST at once, whatever its request is doing. */
  abort(): void {
    abort(this.#socket);
  }

  /** Closes without waiting for the peer any longer. */
  close(): void {
    this.#socket.destroy();
  }

  /** Lets the kernel look after the peer while neither side has anything to say [W-15]. */
  keepAlive(): void {
    const { followKeepAliveMs, followLookMs } = this.#owner.limits;
    this.#socket.setKeepAlive(true, followKeepAliveMs);
    const looking = setInterval(() => this.#look(), followLookMs).unref();
    void this.closed.then(() => clearInterval(looking));
  }

  /**
   * After the peer's FIN libuv has nothing to read and so hears of no error, neither of the peer's RST nor of what the
   * kernel's probes found. Writing nothing sends nothing, and fails where the connection is gone.
   */
  #look(): void {
    const { readableEnded, writable, writableLength } = this.#socket;
    if (readableEnded && writable && writableLength === 0) this.#socket.write("");
  }

  #take(chunk: Uint8Array): void {
    if (this.#isReceived) return this.#discard(chunk.length);
    try {
      const bytes = this.#header === undefined ? chunk : this.#takeHeader(joinBytes(this.#header, chunk));
      if (bytes.length === 0) return;
      this.#hasBytes = true;
      this.#message.push(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof ServerError)) throw error;
      return this.#settle(error);
    }
    if (this.#message.isEnded) {
      this.#settle();
      this.#discard(this.#message.surplusBytes);
    } else if (this.#destroys()) this.#silence?.clear();
    else {
      this.#silence ??= new Deadline(() => this.#finishMessage());
      this.#silence.set(this.#owner.limits.messageSilenceMs);
    }
  }

  /** Takes a proxy's header off what came, and gives back what belongs to the message [W-20]. */
  #takeHeader(bytes: Uint8Array): Uint8Array {
    const reading = readProxyHeader(bytes);
    if (reading.state === "invalid") throw this.#badHeader(reading.problem);
    this.#header = reading.state === "incomplete" ? bytes : undefined;
    if (reading.state === "incomplete") return nothing;
    this.address = reading.connection?.source.address ?? this.address;
    return bytes.subarray(reading.length);
  }

  #badHeader(why: string): ServerError {
    return new ServerError(
      "proxy-header",
      `a connection from ${this.address} must begin with a PROXY header of version 2, and ${why}; ` +
        "start the gateway with --proxy-protocol, or connect from another address",
    );
  }

  /**
   * True when the words so far ask for something that destroys, so that silence must not end the message [W-5].
   *
   * The first half of a destructive message, such as `brick` of `brick 1 12`, does not: it destroys nothing, and what
   * follows it is ignored.
   */
  #destroys(): boolean {
    try {
      return isDestructive(decodeMessage(this.#message.held).words);
    } catch {
      return false; // It is malformed, and the same reading will say so to the peer once the message has ended.
    }
  }

  /** Beyond the bound the peer's bytes stay in the kernel, whose window then holds the peer back. */
  #discard(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > this.#owner.limits.discardedBytesMax) this.#socket.pause();
  }

  /** Ends the message where it stands. */
  #finishMessage(): void {
    if (this.#isReceived) return;
    this.#message.end();
    this.#settle(this.#header?.length ? this.#badHeader("it ended before its header did") : undefined);
  }

  #settle(problem?: Received["problem"], isBroken = false): void {
    if (this.#isReceived) return;
    this.#isReceived = true;
    this.#silence?.clear();
    this.#deadline.clear();
    this.#owner.serve(this, { bytes: this.#message.held, hasBytes: this.#hasBytes, problem, isBroken });
  }

  #expire(): void {
    switch (this.#awaited) {
      case "message":
        return this.#settle(unfinished(this.#destroys(), this.#owner.limits.messageDeadlineMs));
      case "message-in-time":
        return this.#settle(stopping());
      case "progress":
        return this.abort();
      case "close":
        return this.close();
    }
  }

  #await(what: Awaited, forMs: number): void {
    this.#awaited = what;
    this.#deadline.set(forMs);
  }

  async #drained(): Promise<boolean> {
    this.#await("progress", this.#owner.limits.replyStallMs);
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.#socket.off("drain", settle).off("close", settle);
        resolve();
      };
      this.#socket.on("drain", settle).on("close", settle);
    });
    this.#deadline.clear();
    return !this.#socket.destroyed;
  }

  /** The kernel has the whole reply; what remains is to wait for the peer's FIN while throwing away its bytes. */
  #linger(): void {
    this.#await("close", this.#owner.limits.lingerMs);
  }

  #takeClose(): void {
    this.#settle(undefined, true);
    this.#deadline.clear();
    this.#isClosed = true;
    if (this.#isAnswered) this.#owner.leave(this);
  }

  #finishRequest(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    if (this.#isClosed) this.#owner.leave(this);
  }
}

/** What a peer is told that did not end its message in so many milliseconds [W-6]. */
function unfinished(destroys: boolean, deadlineMs: number): ProtocolError {
  return destroys
    ? new ProtocolError(
        "message-unterminated",
        `a message that deletes must end with a newline, and none came within ${deadlineMs} ms; nothing was deleted`,
      )
    : new ProtocolError(
        "message-unfinished",
        `no whole message came within ${deadlineMs} ms; send one line and end it with a newline`,
      );
}

function ignore(): void {
  // `close` follows every error and is what the connection acts upon.
}
