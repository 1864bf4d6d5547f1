/** The history of the Wirebook server as the page keeps it: the replica, what keeps it in step, what is shown of it. */

import { timestampOf } from "@wirebook/protocol";
import type { Operations } from "../streams/operations.svelte.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import type { Zone } from "../ui/format.ts";
import { FoundLines } from "./found-lines.ts";
import type { FoundLine } from "./found-lines.ts";
import { Follower } from "./replica/follower.svelte.ts";
import { History } from "./replica/history.svelte.ts";
import { PageLoader } from "./replica/page-loader.svelte.ts";
import { TimeJump } from "./replica/time-jump.svelte.ts";
import { Search } from "./search/search.svelte.ts";
import { HistoryView } from "./view/history-view.svelte.ts";

export class LiveHistory {
  readonly held = new History();
  readonly follower: Follower;
  readonly loader: PageLoader;
  readonly view: HistoryView;
  readonly jump: TimeJump;
  readonly search: Search;
  readonly #streams: Streams;
  readonly #operations: Operations;
  readonly #watch: (stream: Stream | undefined) => Promise<void>;
  readonly #found = new FoundLines();

  /**
   * @param watch shows a stream and resolves when it is over
   * @param preferences with the zone in which times are shown and typed
   */
  constructor(
    streams: Streams,
    operations: Operations,
    watch: (stream: Stream | undefined) => Promise<void>,
    preferences: { readonly zone: Zone } = { zone: "utc" },
  ) {
    this.#streams = streams;
    this.#operations = operations;
    this.#watch = watch;
    this.follower = new Follower(streams, operations, this.held);
    this.loader = new PageLoader(streams, this.held, () => this.follower.state === "live");
    this.view = new HistoryView(this.held, preferences);
    this.jump = new TimeJump(streams, this.held, (position) => this.reveal(position));
    this.search = new Search(streams, this.held, this.view, preferences);
  }

  /** False for a gateway without a Wirebook server, and for a server that cannot be followed. */
  get isThere(): boolean {
    return this.#streams.hasServer && this.follower.state !== "none";
  }

  /** Brings a line into view, whatever is filtered. */
  reveal(position: number): void {
    this.search.text = "";
    this.view.reveal(position);
  }

  /** Whether the requests that pages make by themselves are rows like any other. */
  set showsBackground(now: boolean) {
    this.view.showsBackground = now;
    this.search.restart();
  }

  /** Goes to a line by its number, or to the nearest there is. */
  goToLine(line: number): void {
    const { last } = this.held.current;
    if (last > 0) this.reveal(Math.min(last, line));
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
    const isNew = user !== this.held.user;
    this.held.user = user;
    if (isNew && ["idle", "refused"].includes(this.follower.state)) void this.follower.start();
  }

  /** The gateway is there. */
  resume(user: string): void {
    this.held.user = user;
    void this.follower.start();
  }

  /** The line that a stream left; `undefined` while none is known. */
  lineOf(stream: Stream | undefined): FoundLine | undefined {
    return stream && this.#found.find(stream, this.held.replica);
  }

  /** The stream of this page that left a line; `undefined` for those of other clients. */
  streamOf(line: string): Stream | undefined {
    return this.#found.streamOf(line, this.#streams.list, this.held.replica);
  }

  /** The time of the newest line that came. */
  get newestTime(): string | undefined {
    return this.held.current.newestTime || undefined;
  }
}
