/** The history of the Wirebook server as the page keeps it: its lines, what keeps them in step, what is shown of them. */

import { timestampOf } from "@wirebook/protocol";
import type { Operations } from "../streams/operations.svelte.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import type { Zone } from "../ui/format.ts";
import { OwnLines } from "./own-lines.ts";
import { Follower } from "./replica/follower.svelte.ts";
import { LineCache } from "./replica/line-cache.svelte.ts";
import { LineReader } from "./replica/line-reader.svelte.ts";
import { Search } from "./search/search.svelte.ts";
import { HistoryView } from "./view/history-view.svelte.ts";

export class LiveHistory {
  readonly cache = new LineCache();
  readonly ownLines: OwnLines;
  readonly follower: Follower;
  readonly reader: LineReader;
  readonly view: HistoryView;
  readonly search: Search;
  /** Why a jump to a time found no line, in a sentence. */
  problem = $state("");
  readonly #streams: Streams;
  readonly #operations: Operations;
  readonly #watch: (stream: Stream | undefined) => Promise<void>;

  /**
   * @param watch shows a stream and resolves when it is over
   * @param preferences with the zone in which times are shown and typed
   */
  constructor(
    streams: Streams,
    operations: Operations,
    watch: (stream: Stream | undefined) => Promise<void>,
    preferences: { readonly zone: Zone },
  ) {
    this.#streams = streams;
    this.#operations = operations;
    this.#watch = watch;
    this.ownLines = new OwnLines(streams, this.cache);
    this.reader = new LineReader(streams, this.cache, () => this.follower.state === "live");
    this.follower = new Follower(streams, operations, this);
    this.view = new HistoryView(this.cache, this.ownLines, preferences);
    this.search = new Search(this, preferences);
  }

  /** False for a gateway without a Wirebook server, and for a server that cannot be followed. */
  get isThere(): boolean {
    return this.#streams.hasServer && this.follower.state !== "none";
  }

  /** Shows or folds the requests that pages make by themselves; those that match are left out of a search as well. */
  set showsBackground(now: boolean) {
    this.view.showsBackground = now;
    this.search.restart();
  }

  /** Brings a line into view, or the nearest there is, whatever is filtered. */
  goToLine(line: number): void {
    const { last } = this.cache;
    if (last === 0) return;
    this.search.text = "";
    this.view.reveal(Math.min(last, line));
  }

  /** Goes to the first line from a time on. */
  async goToTime(time: string): Promise<void> {
    this.problem = "";
    const line = await this.reader.find(time);
    if (line === undefined) this.problem = "The line of that time was not found: the lines could not be read.";
    else this.goToLine(line);
  }

  /**
   * Deletes a line, which is named by its number and its time, so that the server deletes no other: it refuses when
   * another user has deleted that line, or one above it, at the same moment. One of another program has no time.
   */
  async delete(user: string, position: number, line: string): Promise<void> {
    const operation = this.#operations.offering("delete-line")?.number;
    if (operation === undefined) return;
    const values = [String(position), timestampOf(line)].filter((value) => value !== "");
    await this.#watch(this.#streams.request({ user, operation, values, by: "user", purpose: "from the history" }));
  }

  /** Follows and reads as this user from now on. @param user with the key */
  useName(user: string): void {
    const isNew = user !== this.reader.user;
    this.reader.user = user;
    if (isNew && ["idle", "failed"].includes(this.follower.state)) void this.follower.start();
  }

  /** The gateway is there. */
  resume(user: string): void {
    this.reader.user = user;
    void this.follower.start();
  }

  /** The time of the newest line that came. */
  get newestTime(): string | undefined {
    return this.cache.newestTime || undefined;
  }
}
