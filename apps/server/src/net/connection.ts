/**
 * One peer's socket, from accept to close, and its deadlines. What comes by it is `MessageReceiver`'s to know.
 *
 * Three things make a TCP close polite, and this file owns them. The peer may send FIN before it has read anything, so
 * sockets are half-open. A socket closed with unread bytes makes the kernel send RST, which destroys what the peer has
 * not read yet; so whatever comes behind the message is read and thrown away until the peer closes too, within bounds
 * [W-17]. And a reply that cannot be finished must not look whole, so it ends with RST on purpose [W-16].
 *
 * All deadlines are absolute and our own: `socket.setTimeout` starts again with every byte and fires late on a peer that
 * never reads. An `error` of the socket needs no handling beyond its listener, since `close` always follows.
 */

import type { Socket } from "node:net";
import { abort, Deadline, normalizeAddress } from "@wirebook/net";
import { ProtocolError } from "@wirebook/protocol";
import { ServerError, stopping } from "../errors.ts";
import { MessageReceiver } from "./message-receiver.ts";
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

/** What a connection waits for until its deadline; `message-in-time` is that of a server which is stopping. */
type Awaited = "message" | "message-in-time" | "progress" | "close";

/** A connection that was accepted. It closes by `end`, by `reset`, or by the peer's doing. */
export class Connection {
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #deadline = new Deadline(() => this.#expire());
  /** Set while silence would end the message [W-5]. */
  readonly #silence = new Deadline(() => this.#finishMessage());
  readonly #receiver: MessageReceiver;
  readonly #received = Promise.withResolvers<Received>();
  readonly #closed = Promise.withResolvers<void>();
  /** Settles once the message has ended, in whatever way; never rejects. */
  readonly received = this.#received.promise;
  readonly closed = this.#closed.promise;
  #isReceived = false;
  #discardedBytes = 0;
  #awaited: Awaited = "message";

  /** @param trusted addresses of proxies, which say for whom they connect [W-20] */
  constructor(socket: Socket, limits: Limits, trusted: ReadonlySet<string>) {
    this.#socket = socket;
    this.#limits = limits;
    const address = normalizeAddress(socket.remoteAddress ?? "") ?? "unknown";
    this.#receiver = new MessageReceiver(address, trusted.has(address));
    socket.on("error", ignore);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.#finishMessage());
    socket.on("close", () => this.#takeClose());
    this.#deadline.set(limits.messageDeadlineMs);
  }

  /** The peer's address, or what a trusted proxy gave as the address of the one for whom it connects. */
  get address(): string {
    return this.#receiver.address;
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
   * Sends the last bytes and FIN, and resolves when the connection is closed.
   *
   * Behind the peer's FIN nothing can come that would lie unread and make the kernel send RST. So where that was read,
   * and the kernel has taken the whole reply, there is nothing to wait for, and the close itself sends the FIN.
   */
  async end(bytes: Uint8Array | string = ""): Promise<void> {
    const socket = this.#socket;
    if (!socket.destroyed && bytes.length > 0) socket.write(bytes);
    if (socket.writableLength > 0) {
      this.#await("progress", this.#limits.replyStallMs);
      socket.end(() => this.#linger());
    } else if (socket.readableEnded) this.close();
    else {
      socket.end();
      this.#linger();
    }
    return this.closed;
  }

  /** Closes at once by RST, which tells the peer that what it has is not the whole. */
  reset(): void {
    abort(this.#socket);
  }

  /** Closes without waiting for the peer any longer. */
  close(): void {
    this.#socket.destroy();
  }

  /** Lets the kernel look after the peer while neither side has anything to say [W-15]. */
  keepAlive(): void {
    this.#socket.setKeepAlive(true, this.#limits.followKeepAliveMs);
    const looking = setInterval(() => this.#look(), this.#limits.followLookMs).unref();
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
      if (!this.#receiver.push(chunk)) return;
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof ServerError)) throw error;
      return this.#settle(error);
    }
    if (this.#receiver.message.isEnded) {
      this.#settle();
      this.#discard(this.#receiver.message.surplusBytes);
    } else if (this.#receiver.destroys) this.#silence.clear();
    else this.#silence.set(this.#limits.messageSilenceMs);
  }

  /** Beyond the bound the peer's bytes stay in the kernel, whose window then holds the peer back. */
  #discard(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > this.#limits.discardedBytesMax) this.#socket.pause();
  }

  #finishMessage(): void {
    if (!this.#isReceived) this.#settle(this.#receiver.end());
  }

  #settle(problem?: Received["problem"], isBroken = false): void {
    if (this.#isReceived) return;
    this.#isReceived = true;
    this.#silence.clear();
    this.#deadline.clear();
    const { message, hasBytes } = this.#receiver;
    this.#received.resolve({ bytes: message.held, hasBytes, problem, isBroken });
  }

  #expire(): void {
    switch (this.#awaited) {
      case "message":
        return this.#settle(this.#receiver.unfinished(this.#limits.messageDeadlineMs));
      case "message-in-time":
        return this.#settle(stopping());
      case "progress":
        return this.reset();
      case "close":
        return this.close();
    }
  }

  #await(what: Awaited, forMs: number): void {
    this.#awaited = what;
    this.#deadline.set(forMs);
  }

  async #drained(): Promise<boolean> {
    this.#await("progress", this.#limits.replyStallMs);
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
    this.#await("close", this.#limits.lingerMs);
  }

  #takeClose(): void {
    this.#settle(undefined, true);
    this.#deadline.clear();
    this.#closed.resolve();
  }
}

function ignore(): void {
  // `close` follows every error and is what the connection acts upon.
}
