import type { Feed, History } from "@wirebook/history";
import { ServerError, stopping } from "../errors.ts";

const lineFeed = 0x0a;

/** All follows of one server, at most so many at once [W-18]. */
export class Follows {
  /** How many are open, or being opened. */
  count = 0;
  readonly #history: History;
  readonly #max: number;
  readonly #ended = new AbortController();

  constructor(history: History, max: number) {
    this.#history = history;
    this.#max = max;
  }

  /** Opens a follow, whose owner disposes of it. @throws ServerError `followers-max`, `stopping`; HistoryError */
  async open(from: number | undefined): Promise<Follow> {
    if (this.#ended.signal.aborted) throw stopping();
    if (this.count >= this.#max) {
      throw new ServerError(
        "followers-max",
        `${this.#max} clients follow already, which is the limit; read the last lines with 2 -100, or try again`,
      );
    }
    const resources = new AsyncDisposableStack();
    this.count += 1;
    resources.defer(() => void (this.count -= 1));
    try {
      const feed = resources.use(await this.#history.follow(from));
      return { from: feed.from, chunks: this.#chunksOf(feed), [Symbol.asyncDispose]: () => resources.disposeAsync() };
    } catch (error) {
      await resources.disposeAsync();
      throw error;
    }
  }

  /** Ends every follow behind its last whole line, and refuses new ones. */
  end(): void {
    this.#ended.abort();
  }

  async *#chunksOf(feed: Feed): AsyncGenerator<Uint8Array, void, void> {
    const { signal } = this.#ended;
    let isInLine = false;
    const end = (): void => void (isInLine || feed[Symbol.asyncDispose]());
    signal.addEventListener("abort", end);
    try {
      if (signal.aborted) end();
      for await (const chunk of feed.chunks) {
        isInLine = chunk.at(-1) !== lineFeed;
        yield chunk;
        if (signal.aborted && !isInLine) return;
      }
    } finally {
      signal.removeEventListener("abort", end);
    }
  }
}

/** One follow of the history, which ends between two lines and never inside one; disposing of it twice does no harm. */
export interface Follow extends AsyncDisposable {
  readonly from: number;
  /** The lines as they come, cut into chunks at any byte; to be iterated once. */
  readonly chunks: AsyncIterable<Uint8Array>;
}
