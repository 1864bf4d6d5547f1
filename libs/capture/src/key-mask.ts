/**
 * Takes keys out of bytes that go into a file [W-9]: what follows a `~` up to white space becomes asterisks, one for each
 * byte, so that lengths and offsets stay true.
 *
 * A message may come in any pieces, and each is passed on before the next one comes. So the rule looks at no more than the
 * byte before: it hides what follows *every* `~`, also where no key stands. Of the reply the same is hidden when the
 * message asked for operation 4, whose answer is a name with its key [W-10].
 */

import { decodeText, joinBytes, messageBytesMax, type StreamRecord } from "@wirebook/protocol";

const tilde = 0x7e;
const asterisk = 0x2a;
/** Space, tab, line feed, vertical tab, form feed, carriage return. */
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** Hides the keys of one exchange, in both directions. */
export class ExchangeMask {
  /** True for a direction that is within a key. */
  readonly #isKey = { sent: false, received: false };
  /** The message, as far as it was told. */
  #message: Uint8Array = new Uint8Array(0);

  /** The next bytes of a direction; the same array when there is nothing to hide. */
  push(isFromTarget: boolean, bytes: Uint8Array): Uint8Array {
    const missing = messageBytesMax - this.#message.length;
    if (!isFromTarget && missing > 0) this.#message = joinBytes(this.#message, bytes.slice(0, missing));
    if (isFromTarget && !this.asksForKey) return bytes;
    const way = isFromTarget ? "received" : "sent";
    if (!this.#isKey[way] && !bytes.includes(tilde)) return bytes;
    return Uint8Array.from(bytes, (byte) => {
      if (isSpace(byte)) this.#isKey[way] = false;
      else if (this.#isKey[way]) return asterisk;
      else if (byte === tilde) this.#isKey[way] = true;
      return byte;
    });
  }

  /** True when the message, as far as it was told, asks for operation 4; until its line is whole the number may grow. */
  get asksForKey(): boolean {
    const [line = ""] = decodeText(this.#message).split("\n", 1);
    return /^\s*\S+\s+0*4(?:\s|$)/u.test(line);
  }
}

export function hideKeys({ events }: StreamRecord): void {
  const mask = new ExchangeMask();
  for (const event of events) event.bytes &&= mask.push(event.isFromTarget, event.bytes);
}
