import type { Feed, History } from "@wirebook/history";
import { ServerError, stopping } from "../errors.ts";

const lineFeed = 0x0a;

/** All follows of one server, at most so many at once [W-18]. */
export class Follows {
  readonly #history: History;
  readonly #max: number;
  readonly #open = new Set<Follow>();
  #opening = 0;
  #isEnded = false;

  constructor(history: History, max: number) {
    this.#history = history;
    this.#max = max;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Opens a follow, whose owner disposes of it. @throws ServerError `followers-max`, `stopping`; HistoryError */
  async open(from: number | undefined): Promise<Follow> {
    if (this.#isEnded) throw stopping();
    if (this.#open.size + this.#opening >= this.#max) {
      throw new ServerError(
        "followers-max",
        `${this.#max} clients follow already, which is the limit; read the last lines with 2 -100, or try again`,
      );
    }
    this.#opening += 1;
    try {
      const follow = new Follow(await this.#history.follow(from), this.#open);
      if (this.#isEnded) follow.end();
      return follow;
    } finally {
      this.#opening -= 1;
    }
  }

  /** Ends every follow behind its last whole line, and refuses new ones. */
  end(): void {
    this.#isEnded = true;
    for (const follow of this.#open) follow.end();
  }
}

/** One follow of the history, which ends between two lines and never inside one. */
export class Follow implements AsyncDisposable {
  readonly from: number;
  readonly #feed: Feed;
  readonly #open: Set<Follow>;
  #isEnding = false;
  #isInLine = false;

  /** @param open all that are open, where it is until it is disposed of */
  constructor(feed: Feed, open: Set<Follow>) {
    this.from = feed.from;
    this.#feed = feed;
    this.#open = open.add(this);
  }

  /** The lines as they come, cut into chunks at any byte; to be iterated once. */
  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of this.#feed.chunks) {
      this.#isInLine = chunk.at(-1) !== lineFeed;
      yield chunk;
      if (this.#isEnding && !this.#isInLine) return;
    }
  }

  /** Ends the chunks as soon as the last line begun is whole. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isInLine) void this.#feed[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open.delete(this);
    await this.#feed[Symbol.asyncDispose]();
  }
}
