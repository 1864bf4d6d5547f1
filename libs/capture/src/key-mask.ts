/**
 * Takes keys out of bytes that go into a file [W-9]: what follows a `~` up to white space becomes asterisks, one for each
 * byte, so that lengths and offsets stay true.
 *
 * A message may come in any pieces, a byte each if somebody wants it so, and a piece is passed on before the next one
 * comes. So the rule looks at no more than the byte before: it hides what follows *every* `~`, also where no key stands.
 * Of the reply the same is hidden when the message asked for operation 4, whose answer is a name with its key.
 */

import { decodeText, joinBytes, messageBytesMax } from "@wirebook/protocol";
import type { StreamRecord } from "@wirebook/protocol";

const tilde = 0x7e;
const asterisk = 0x2a;
const lineFeed = 0x0a;
/** The operation whose answer holds a key [W-10]. */
const createUserOperation = 4;
/** Space, tab, line feed, vertical tab, form feed, carriage return. */
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** Bytes in which nothing is left of a key, and how many were replaced. */
export interface Masked {
  readonly bytes: Uint8Array;
  readonly maskedBytes: number;
}

/** Hides the keys of one direction. */
class KeyMask {
  #isKey = false;

  /** The next bytes; the same array when there is nothing to hide. */
  push(bytes: Uint8Array): Masked {
    if (!this.#isKey && !bytes.includes(tilde)) return { bytes, maskedBytes: 0 };
    // A Buffer's `slice` would share the memory, and what is masked here is still to be sent.
    const masked = new Uint8Array(bytes);
    let maskedBytes = 0;
    for (const [at, byte] of bytes.entries()) {
      if (isSpace(byte)) this.#isKey = false;
      else if (this.#isKey) {
        masked[at] = asterisk;
        maskedBytes += 1;
      } else if (byte === tilde) this.#isKey = true;
    }
    return { bytes: masked, maskedBytes };
  }
}

/** Hides the keys of one exchange, in both directions. */
export class ExchangeMask {
  readonly #sent = new KeyMask();
  readonly #received = new KeyMask();
  #line: Uint8Array = new Uint8Array(0);
  #isWithKey: boolean | undefined;

  /** Bytes to the server. */
  pushSent(bytes: Uint8Array): Masked {
    const missing = messageBytesMax - this.#line.length;
    if (missing > 0) this.#line = joinBytes(this.#line, bytes.slice(0, missing));
    return this.#sent.push(bytes);
  }

  /** Bytes of the reply. */
  pushReceived(bytes: Uint8Array): Masked {
    return this.asksForKey ? this.#received.push(bytes) : { bytes, maskedBytes: 0 };
  }

  /** True when the message, as far as it was told, asks for operation 4. */
  get asksForKey(): boolean {
    if (this.#isWithKey !== undefined) return this.#isWithKey;
    const end = this.#line.indexOf(lineFeed);
    const line = decodeText(end < 0 ? this.#line : this.#line.subarray(0, end));
    const word = line.split(/\s+/u).filter((each) => each !== "")[1] ?? "";
    const asks = /^\d+$/.test(word) && Number(word) === createUserOperation;
    // Until the line is whole the word may still grow.
    if (end >= 0 || this.#line.length >= messageBytesMax) this.#isWithKey = asks;
    return asks;
  }
}

/** Hides the keys in a record that is there already. */
export function hideKeys({ events }: StreamRecord): void {
  const mask = new ExchangeMask();
  for (const event of events) {
    if (event.bytes === undefined) continue;
    event.bytes = (event.isFromTarget ? mask.pushReceived(event.bytes) : mask.pushSent(event.bytes)).bytes;
  }
}
