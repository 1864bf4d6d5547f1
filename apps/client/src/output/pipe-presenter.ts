import type { Writable } from "node:stream";
import type { Outgoing } from "../message.ts";
import type { ReplyNews } from "../reply-parser.ts";
import type { Presenter } from "../session.ts";

const lineFeed = 0x0a;

/** For other programs: the response alone, byte for byte; to a user alone, the list of operations. */
export class PipePresenter implements Presenter {
  readonly #out: Writable;
  #isBare = false;
  #isLineOpen = false;

  constructor(out: Writable) {
    this.#out = out;
  }

  begin({ isBare }: Outgoing): void {
    this.#isBare = isBare;
    // The bytes of one response are exact, but two of them must not run into one line.
    if (this.#isLineOpen) this.#write(Buffer.from("\n"));
  }

  take({ header, response }: ReplyNews): void {
    if (this.#isBare && header !== undefined) this.#write(header.bytes);
    this.#write(response);
  }

  end(): void {
    // The response stands as it came.
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#isLineOpen = bytes.at(-1) !== lineFeed;
    this.#out.write(bytes);
  }
}
