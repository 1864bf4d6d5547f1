/**
 * What a peer sends, up to the end of its message: a proxy's header where one is due, and the message [W-2], [W-20].
 *
 * Whether there is a header follows from the peer's address alone, never from what came. This class knows bytes and
 * neither the socket that they come by nor how late it is.
 */

import { readProxyHeader } from "@wirebook/net";
import { MessageReader, ProtocolError, decodeMessage, isDestructive, joinBytes } from "@wirebook/protocol";
import { ServerError } from "../errors.ts";

/** The bytes of one connection. */
export class MessageReceiver {
  readonly message = new MessageReader();
  readonly #peer: string;
  #hasBytes = false;
  /** What has come of a trusted proxy's header; `undefined` when none is due or it is whole. */
  #header: Uint8Array | undefined;
  #client: string | undefined;

  /** @param isTrusted true when the peer at that address is a proxy, which says for whom it connects */
  constructor(address: string, isTrusted: boolean) {
    this.#peer = address;
    if (isTrusted) this.#header = new Uint8Array(0);
  }

  /** The peer's address, or what a trusted proxy gave as the address of the one for whom it connects. */
  get address(): string {
    return this.#client ?? this.#peer;
  }

  get hasBytes(): boolean {
    return this.#hasBytes;
  }

  /**
   * Takes a chunk; returns whether any of it was of the message.
   *
   * @throws ProtocolError `message-too-long`
   * @throws ServerError `proxy-header`
   */
  push(chunk: Uint8Array): boolean {
    const bytes = this.#header === undefined ? chunk : this.#takeHeader(joinBytes(this.#header, chunk));
    if (bytes.length === 0) return false;
    this.#hasBytes = true;
    this.message.push(bytes);
    return true;
  }

  /** Ends the message where it stands; returns why it cannot be taken. */
  end(): ServerError | undefined {
    this.message.end();
    return this.#header?.length ? this.#badHeader("it ended before its header did") : undefined;
  }

  /** What a peer is told that did not end its message in so many milliseconds [W-6]. */
  unfinished(deadlineMs: number): ProtocolError {
    return this.destroys
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
   * True when the words so far ask for something that destroys, so that silence must not end the message [W-5].
   *
   * The first half of a destructive message, such as `brick` of `brick 1 12`, does not: it destroys nothing, and what
   * follows it is ignored.
   */
  get destroys(): boolean {
    try {
      return isDestructive(decodeMessage(this.message.held).words);
    } catch {
      return false; // It is malformed, and the same reading will say so to the peer once the message has ended.
    }
  }

  /** Takes the header off what came, and gives back what belongs to the message. */
  #takeHeader(bytes: Uint8Array): Uint8Array {
    const reading = readProxyHeader(bytes);
    if (reading.state === "invalid") throw this.#badHeader(reading.problem);
    this.#header = reading.state === "incomplete" ? bytes : undefined;
    if (reading.state === "incomplete") return new Uint8Array(0);
    this.#client = reading.connection?.source.address;
    return bytes.subarray(reading.length);
  }

  #badHeader(why: string): ServerError {
    return new ServerError(
      "proxy-header",
      `a connection from ${this.#peer} must begin with a PROXY header of version 2, and ${why}; ` +
        "start the gateway with --proxy-protocol, or connect from another address",
    );
  }
}
