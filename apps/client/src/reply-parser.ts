import { ReplyReader, authenticationError, decodeText, errorPrefix, joinBytes } from "@wirebook/protocol";
import type { ReplyHeader, ReplyPart } from "@wirebook/protocol";

/** What has become known of a reply. */
export interface ReplyNews {
  /** Set once, when the header is whole: what it says, and its bytes as they came. */
  readonly header: { readonly parsed: ReplyHeader; readonly bytes: Uint8Array } | undefined;
  /** Bytes of the response, as they came. */
  readonly response: Uint8Array;
}

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);
const headBytesMax = authenticationError.length + "\r\n".length;

/** Reads a reply while it comes, and judges whether it is an error; holds no more of it than its header. */
export class ReplyParser {
  readonly #reader = new ReplyReader();
  /** The bytes so far, until the header is known. */
  #held: Uint8Array | undefined = nothing;
  #hasHeader = false;
  /** The first bytes of the response, how many it has, and where its first line ends. */
  #head: Uint8Array = nothing;
  #byteCount = 0;
  #lineEnd = -1;

  /** Takes the next chunk. */
  push(chunk: Uint8Array): ReplyNews {
    if (this.#held !== undefined) this.#held = joinBytes(this.#held, chunk);
    return this.#learn(this.#reader.push(chunk));
  }

  /** The reply has ended: what was held back is what it is. */
  finish(): ReplyNews {
    return this.#learn(this.#reader.finish());
  }

  /** True when the response so far is one line of error [W-14], or the refusal of a user [W-13]. */
  get isError(): boolean {
    const head = decodeText(this.#head);
    if (!this.#hasHeader && head.trimEnd() === authenticationError) return true;
    return head.startsWith(errorPrefix) && (this.#lineEnd < 0 || this.#lineEnd === this.#byteCount - 1);
  }

  #learn({ header, response }: ReplyPart): ReplyNews {
    this.#head = joinBytes(this.#head, response.slice(0, headBytesMax - this.#head.length));
    const at = this.#lineEnd < 0 ? response.indexOf(lineFeed) : -1;
    if (at >= 0) this.#lineEnd = this.#byteCount + at;
    this.#byteCount += response.length;
    const held = this.#held;
    if (held === undefined || (header === undefined && response.length === 0)) return { header: undefined, response };
    this.#held = undefined;
    this.#hasHeader = header !== undefined;
    const bytes = held.subarray(0, held.length - response.length);
    return { header: header && { parsed: header, bytes }, response };
  }
}
