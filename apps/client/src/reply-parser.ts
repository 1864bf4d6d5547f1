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
  #held: Uint8Array = nothing;
  #isInResponse = false;
  #hasReplyHeader = false;
  #head: Uint8Array = nothing;
  #hasLineFeed = false;
  #hasSecondLine = false;

  /** Takes the next chunk. */
  push(chunk: Uint8Array): ReplyNews {
    if (!this.#isInResponse) this.#held = joinBytes(this.#held, chunk);
    return this.#learn(this.#reader.push(chunk), false);
  }

  /** The reply has ended: what was held back is what it is. */
  finish(): ReplyNews {
    return this.#learn(this.#reader.finish(), true);
  }

  /** True when the response so far is one line of error [W-14], or the refusal of a user [W-13]. */
  get isError(): boolean {
    const head = decodeText(this.#head);
    if (!this.#hasReplyHeader && head.trimEnd() === authenticationError) return true;
    return head.startsWith(errorPrefix) && !this.#hasSecondLine;
  }

  #learn({ header, response }: ReplyPart, isLast: boolean): ReplyNews {
    this.#judge(response);
    if (this.#isInResponse) return { header: undefined, response };
    if (header === undefined && response.length === 0 && !isLast) return { header: undefined, response };
    const bytes = this.#held.subarray(0, this.#held.length - response.length);
    this.#isInResponse = true;
    this.#hasReplyHeader = header !== undefined;
    this.#held = nothing;
    return { header: header && { parsed: header, bytes }, response };
  }

  #judge(response: Uint8Array): void {
    if (response.length === 0) return;
    this.#head = joinBytes(this.#head, response.slice(0, headBytesMax - this.#head.length));
    if (this.#hasSecondLine) return;
    const at = this.#hasLineFeed ? -1 : response.indexOf(lineFeed);
    this.#hasSecondLine = this.#hasLineFeed || (at >= 0 && at < response.length - 1);
    this.#hasLineFeed ||= at >= 0;
  }
}
