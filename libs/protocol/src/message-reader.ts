/**
 * Joins the chunks of one connection into its message [W-2], [W-3].
 *
 * TCP is a stream of bytes: a message may come in one chunk, in many, or with more behind it. The reader holds at most
 * `messageBytesMax` bytes and a carriage return; it keeps no clock, so how long to wait is its caller's concern.
 */

import { messageTooLong } from "./message.ts";
import { messageBytesMax } from "./limits.ts";
import { joinBytes } from "./text.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing = new Uint8Array(0);

/** The message of one connection, as far as it has come. */
export class MessageReader {
  /** Bytes of the message so far, without its line ending. Never more than the limit plus one. */
  held: Uint8Array = nothing;
  /** True once a line feed or `end` has ended the message. */
  isEnded = false;
  /** Bytes that came behind the line ending and are ignored [W-2]. */
  surplusBytes = 0;

  /**
   * Takes the next chunk. Afterwards `isEnded` says whether the message is whole.
   *
   * @throws ProtocolError `message-too-long`; `held` then has the beginning of the message
   */
  push(chunk: Uint8Array): void {
    if (this.isEnded) {
      this.surplusBytes += chunk.length;
      return;
    }
    const at = chunk.indexOf(lineFeed);
    const most = messageBytesMax + 2 - this.held.length;
    this.held = joinBytes(this.held, chunk.subarray(0, at < 0 ? most : Math.min(at, most)));
    if (at >= 0) {
      this.surplusBytes = chunk.length - at - 1;
      this.end();
    }
    const endingBytes = this.held.at(-1) === carriageReturn ? 1 : 0;
    if (this.held.length - endingBytes > messageBytesMax) throw messageTooLong();
  }

  /** Ends the message where it stands: the client closed its half, or was silent long enough [W-5]. */
  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (this.held.at(-1) === carriageReturn) this.held = this.held.subarray(0, -1);
  }
}
