/**
 * One peer's socket, from accept to close. It knows bytes and deadlines, not what they mean.
 *
 * Three things make a TCP close polite, and this file owns them. The peer may send FIN before it has read anything, so
 * sockets are half-open. A socket closed with unread bytes makes the kernel send RST, which destroys what the peer has
 * not read yet; so whatever comes behind the message is read and thrown away until the peer closes too, within bounds
 * [W-17]. And a reply that cannot be finished must not look whole, so it ends with RST on purpose [W-16].
 *
 * All deadlines are absolute timers of our own: `socket.setTimeout` starts again with every byte and fires late on a
 * peer that never reads. An `error` of the socket needs no handling beyond its listener, since `close` always follows.
 */

import type { Socket } from "node:net";
import { MessageReader, ProtocolError, decodeMessage, isDestructive } from "@wirebook/protocol";
import { ServerError } from "./errors.ts";
import { stopping } from "./followers.ts";
import type { Limits } from "./limits.ts";
import { ProxyPreface } from "./proxy-preface.ts";

/** What came of waiting for a message. */
export interface Received {
  /** The message without its line ending, as far as it came. */
  readonly bytes: Uint8Array;
  /** False when not a single byte came. */
  readonly hasBytes: boolean;
  /** Why the message cannot be taken. */
  readonly problem: ProtocolError | ServerError | undefined;
  /** True when the connection broke before the message ended, so that nobody is left to answer. */
  readonly isBroken: boolean;
}

/** A connection that was accepted. It closes by `end`, by `reset`, or by the peer's doing. */
export class Connection {
  readonly #address: string;
  readonly #preface: ProxyPreface | undefined;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #reader = new MessageReader();
  readonly #received = Promise.withResolvers<Received>();
  readonly #closed = Promise.withResolvers<void>();
  #hasBytes = false;
  #isReceived = false;
  #discardedBytes = 0;
  #deadline: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;

  /** @param trusted addresses of proxies, which say for whom they connect [W-20] */
  constructor(socket: Socket, limits: Limits, trusted: ReadonlySet<string> = new Set()) {
    this.#socket = socket;
    this.#limits = limits;
    this.#address = plainAddress(socket.remoteAddress);
    this.#preface = trusted.has(this.#address) ? new ProxyPreface(this.#address) : undefined;
    socket.on("error", ignore);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.#finishMessage());
    socket.on("close", () => this.#takeClose());
    this.#deadline = setTimeout(() => setImmediate(() => this.#expire()), limits.messageDeadlineMs);
  }

  /** The peer's address, or what a trusted proxy gave as the address of the one for whom it connects. */
  get address(): string {
    return this.#preface?.address ?? this.#address;
  }

  /** Settles once the message has ended, in whatever way; never rejects. */
  get received(): Promise<Received> {
    return this.#received.promise;
  }

  /** Settles when the socket is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Gives a message that has not ended no more than so many milliseconds [W-19]. */
  hurry(withinMs: number): void {
    if (this.#isReceived) return;
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#settle(stopping()), withinMs);
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

  /** Sends the last bytes and FIN, and resolves when the connection is closed. */
  async end(bytes: Uint8Array | string = ""): Promise<void> {
    if (!this.#socket.destroyed) {
      this.#deadline = setTimeout(() => this.reset(), this.#limits.replyStallMs);
      if (bytes.length > 0) this.#socket.write(bytes);
      this.#socket.end(() => this.#linger());
    }
    return this.closed;
  }

  /** Closes at once by RST, which tells the peer that what it has is not the whole. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Closes without waiting for the peer any longer. */
  close(): void {
    this.#socket.destroy();
  }

  /** Lets the kernel look after the peer while neither side has anything to say [W-15]. */
  keepAlive(): void {
    this.#socket.setKeepAlive(true, this.#limits.followKeepAliveMs);
  }

  #take(chunk: Uint8Array): void {
    if (this.#isReceived) return this.#discard(chunk.length);
    try {
      const message = this.#preface?.push(chunk) ?? chunk;
      if (message.length === 0) return;
      this.#hasBytes = true;
      this.#clearSilence();
      this.#reader.push(message);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof ServerError)) throw error;
      return this.#settle(error);
    }
    if (this.#reader.isEnded) {
      this.#settle();
      this.#discard(this.#reader.surplusBytes);
    } else if (mayEndInSilence(this.#reader.held)) {
      this.#awaitSilence();
    }
  }

  /** Beyond the bound the peer's bytes stay in the kernel, whose window then holds the peer back. */
  #discard(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > this.#limits.discardedBytesMax) this.#socket.pause();
  }

  #finishMessage(): void {
    if (this.#isReceived) return;
    this.#reader.end();
    this.#settle(this.#preface?.isCut ? this.#preface.problem("it ended before its header did") : undefined);
  }

  /**
   * The loop may have been busy for longer than the silence while bytes lay ready in the kernel. Timers run before
   * those are read and an immediate runs after, so only what is still silent then has been silent. The same holds for
   * the deadline.
   */
  #awaitSilence(): void {
    const silence = setTimeout(() => {
      setImmediate(() => {
        if (this.#silence === silence) this.#finishMessage();
      });
    }, this.#limits.messageSilenceMs);
    this.#silence = silence;
  }

  #clearSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #expire(): void {
    const { messageDeadlineMs } = this.#limits;
    this.#settle(
      mayEndInSilence(this.#reader.held)
        ? new ProtocolError(
            "message-unfinished",
            `no whole message came within ${messageDeadlineMs} ms; send one line and end it with a newline`,
          )
        : new ProtocolError(
            "message-unterminated",
            `a message that deletes must end with a newline, and none came within ${messageDeadlineMs} ms; nothing was deleted`,
          ),
    );
  }

  #settle(problem?: Received["problem"], isBroken = false): void {
    if (this.#isReceived) return;
    this.#isReceived = true;
    this.#clearSilence();
    clearTimeout(this.#deadline);
    this.#received.resolve({ bytes: this.#reader.held, hasBytes: this.#hasBytes, problem, isBroken });
  }

  async #drained(): Promise<boolean> {
    const stall = setTimeout(() => this.reset(), this.#limits.replyStallMs);
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.#socket.off("drain", settle).off("close", settle);
        resolve();
      };
      this.#socket.on("drain", settle).on("close", settle);
    });
    clearTimeout(stall);
    return !this.#socket.destroyed;
  }

  /** The kernel has the whole reply; what remains is to wait for the peer's FIN while throwing away its bytes. */
  #linger(): void {
    clearTimeout(this.#deadline);
    if (!this.#socket.destroyed) this.#deadline = setTimeout(() => this.#socket.destroy(), this.#limits.lingerMs);
  }

  #takeClose(): void {
    this.#settle(undefined, true);
    clearTimeout(this.#deadline);
    this.#closed.resolve();
  }
}

/** The address as people write it: an IPv4 peer of a socket that also speaks IPv6 is `::ffff:127.0.0.1` to the kernel. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "unknown";
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice("::ffff:".length) : address;
}

/**
 * True unless the words so far ask for something that destroys [W-5].
 *
 * The first half of a destructive message, such as `brick` of `brick 1 12`, may end in silence: it destroys nothing,
 * and what follows it is ignored.
 */
function mayEndInSilence(held: Uint8Array): boolean {
  try {
    return !isDestructive(decodeMessage(held).words);
  } catch {
    return true; // It is malformed, and the same reading will say so to the peer once the message has ended.
  }
}

function ignore(): void {
  // `close` follows every error and is what the connection acts upon.
}
