/** The history of the Wirebook server as the page keeps it: the replica, what keeps it in step, what is shown of it. */

import type { Operations } from "../streams/operations.svelte.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import type { Zone } from "../ui/format.ts";
import { FoundLines, newestTime } from "./found-lines.ts";
import type { FoundLine } from "./found-lines.ts";
import { suggestedFromLines } from "../limits.ts";
import { Follower } from "./replica/follower.svelte.ts";
import { History } from "./replica/history.svelte.ts";
import { LineDeleter } from "./replica/line-deleter.svelte.ts";
import { LinkedLine } from "./replica/linked-line.svelte.ts";
import { PageLoader } from "./replica/page-loader.svelte.ts";
import { Search } from "./search/search.svelte.ts";
import { sketchLine } from "./view/line-text.ts";
import { HistoryView } from "./view/history-view.svelte.ts";

export class LiveHistory {
  readonly held = new History();
  readonly follower: Follower;
  readonly loader: PageLoader;
  readonly view: HistoryView;
  readonly deleter: LineDeleter;
  readonly linkedLine: LinkedLine;
  /** With a server that has no follow operation: whether the history is read again after every exchange. */
  fetchesAfterSend = $state(true);
  readonly search: Search;
  readonly #streams: Streams;
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
    this.follower = new Follower(streams, operations, this.held);
    this.loader = new PageLoader(streams, this.held, () => this.follower.state === "live");
    this.view = new HistoryView(this.held, preferences);
    this.deleter = new LineDeleter(streams, operations, this.held, watch);
    this.linkedLine = new LinkedLine(streams, this.held, (position) => this.reveal(position));
    this.search = new Search(streams, this.held, this.view, preferences);
  }

  /** False for a gateway without a Wirebook server, and for a server that announces nothing: neither has a history. */
  get isThere(): boolean {
    return this.#streams.hasServer && this.follower.state !== "other-service";
  }

  /** Takes what the fragment of the page's address says of the history. True when it leads to a line, or holds a filter. */
  openAddress(fragment: string): boolean {
    const isFilter = this.search.take(fragment);
    return this.linkedLine.take(fragment) || isFilter;
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

  /** Names in the newest lines, the most frequent first. */
  usersHeld(): readonly string[] {
    const { current } = this.held;
    const counts = new Map<string, number>();
    for (let position = current.last; position > current.last - suggestedFromLines; position--) {
      const { user } = sketchLine(current.at(position) ?? "");
      if (user !== "") counts.set(user, (counts.get(user) ?? 0) + 1);
    }
    return [...counts].toSorted((a, b) => b[1] - a[1]).map(([user]) => user);
  }

  /** Goes to a line by its number, or to the nearest there is. */
  goToLine(line: number): void {
    const { floor, last } = this.held.current;
    if (last > 0) this.reveal(Math.max(floor, Math.min(last, line)));
  }

  /** Follows and reads as this user from now on. @param user with the key */
  useName(user: string): void {
    const isNew = user !== this.held.user;
    this.held.user = user;
    if (isNew && ["idle", "refused"].includes(this.follower.state)) void this.follower.start();
  }

  /** The gateway is there. */
  resume(user: string): void {
    if (this.follower.state === "stopped") return;
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

  /** Why `lineOf` knows none, in a sentence. */
  whyMissing(stream: Stream, hasConnected: boolean): string {
    return this.#found.whyMissing(stream, hasConnected);
  }

  /** The time of the newest line that is held. */
  get newestTime(): string | undefined {
    return newestTime(this.held.current);
  }

  /** A request of the user is over. */
  async noteOver(): Promise<void> {
    if (this.follower.state === "unfollowable" && this.fetchesAfterSend) await this.follower.fetch();
  }
}
