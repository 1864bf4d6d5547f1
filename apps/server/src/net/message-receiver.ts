/**
 * What a peer sends, up to the end of its message: a proxy's header where one is due, and the message [W-2], [W-20].
 *
 * It knows bytes and what they may still become, and neither the socket that they come by nor how late it is.
 */

import { MessageReader, ProtocolError, decodeMessage, isDestructive } from "@wirebook/protocol";
import type { ServerError } from "../errors.ts";
import { ProxyHeaderReceiver } from "./proxy-header-receiver.ts";

/** The bytes of one connection. */
export class MessageReceiver {
  readonly #address: string;
  readonly #proxyHeader: ProxyHeaderReceiver | undefined;
  readonly #reader = new MessageReader();
  #hasBytes = false;

  /** @param isTrusted true when the peer at that address is a proxy, which says for whom it connects */
  constructor(address: string, isTrusted: boolean) {
    this.#address = address;
    this.#proxyHeader = isTrusted ? new ProxyHeaderReceiver(address) : undefined;
  }

  /** The peer's address, or what a trusted proxy gave as the address of the one for whom it connects. */
  get address(): string {
    return this.#proxyHeader?.address ?? this.#address;
  }

  /** The message without its line ending, as far as it came. */
  get held(): Uint8Array {
    return this.#reader.held;
  }

  /** True when bytes of the message came. */
  get hasBytes(): boolean {
    return this.#hasBytes;
  }

  get isEnded(): boolean {
    return this.#reader.isEnded;
  }

  /** Bytes behind the message, which are ignored. */
  get surplusBytes(): number {
    return this.#reader.surplusBytes;
  }

  /** True when silence may end the message that came so far [W-5]. */
  get mayEndInSilence(): boolean {
    return !this.#destroys;
  }

  /**
   * Takes a chunk; returns whether any of it was of the message.
   *
   * @throws ProtocolError `message-too-long`
   * @throws ServerError `proxy-header`
   */
  push(chunk: Uint8Array): boolean {
    const message = this.#proxyHeader?.push(chunk) ?? chunk;
    if (message.length === 0) return false;
    this.#hasBytes = true;
    this.#reader.push(message);
    return true;
  }

  /** Ends the message where it stands; returns why it cannot be taken. */
  end(): ServerError | undefined {
    this.#reader.end();
    return this.#proxyHeader?.isCut ? this.#proxyHeader.problem("it ended before its header did") : undefined;
  }

  /** What a peer is told that did not end its message in so many milliseconds [W-6]. */
  unfinished(deadlineMs: number): ProtocolError {
    return this.#destroys
      ? new ProtocolError(
          "message-unterminated",
          `a message that deletes must end with a newline, and none came within ${deadlineMs} ms; nothing was deleted`,
        )
      : new ProtocolError(
          "message-unfinished",
          `no whole message came within ${deadlineMs} ms; send one line and end it with a newline`,
        );
  }

  /**
   * True when the words so far ask for something that destroys [W-5].
   *
   * The first half of a destructive message, such as `brick` of `brick 1 12`, does not: it destroys nothing, and what
   * follows it is ignored.
   */
  get #destroys(): boolean {
    try {
      return isDestructive(decodeMessage(this.held).words);
    } catch {
      return false; // It is malformed, and the same reading will say so to the peer once the message has ended.
    }
  }
}
