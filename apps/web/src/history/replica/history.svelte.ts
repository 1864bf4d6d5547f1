import { deletionsRemembered, gapMarksKept } from "../../limits.ts";
import { RedrawThrottle } from "../../ui/redraw-throttle.svelte.ts";
import { BackgroundLines } from "../background-lines.ts";
import { HistoryReplica } from "./history-replica.ts";
import type { Bookmark, Deletion } from "./history-replica.ts";

/** Where lines were read later that had come during an interruption of the follow. */
export interface GapMark {
  /** The first of them. */
  readonly first: Bookmark;
  /** How many; `undefined` when too much had changed to count them. */
  readonly lines: number | undefined;
}

/** The history that the page shows: a replica that is replaced as a whole when the follow begins again. */
export class History {
  /** By whom the page follows and reads it, with the key. */
  user = "";
  readonly background = new BackgroundLines();
  readonly #redraw = new RedrawThrottle();
  readonly #gapMarks: GapMark[] = [];
  readonly #deletions = new Map<string, Deletion>();
  #replica = new HistoryReplica();
  readonly #shownListeners = new Set<(replica: HistoryReplica) => void>();
  #stopListening = () => {};

  /** The replica, for components: they are drawn again when it changes. */
  get replica(): HistoryReplica {
    this.#redraw.listen();
    return this.#replica;
  }

  /** The replica as it is now, for code that draws nothing. */
  get current(): HistoryReplica {
    return this.#replica;
  }

  /** Shows another replica from now on. */
  show(replica: HistoryReplica): void {
    this.#stopListening();
    this.#stopListening = replica.listen((_, deletion) => deletion !== undefined && this.#remember(deletion));
    this.#replica = replica;
    this.background.find(replica);
    for (const listener of this.#shownListeners) listener(replica);
    this.#redraw.mark();
  }

  /** Calls back whenever another replica is shown. */
  onShown(listener: (replica: HistoryReplica) => void): void {
    this.#shownListeners.add(listener);
  }

  /** The replica changed. */
  mark(): void {
    this.#redraw.mark();
  }

  /** Marks the place where lines were missed; call it before the replica is shown. */
  markGap(replica: HistoryReplica, position: number, lines: number | undefined): void {
    this.#gapMarks.push({ first: replica.mark(position), lines });
    if (this.#gapMarks.length <= gapMarksKept) return;
    const oldest = this.#gapMarks.shift();
    if (oldest !== undefined) replica.unmark(oldest.first);
  }

  /** The mark that belongs above a line, or above one of several. */
  gapAt(from: number, to = from): GapMark | undefined {
    this.#redraw.listen();
    return this.#gapMarks.findLast(({ first }) => first.position >= from && first.position <= to && !first.isGone);
  }

  /** What the feed told of the deletion of a line with a timestamp, among the latest. */
  deletionOf(head: string): Deletion | undefined {
    return this.#deletions.get(head);
  }

  #remember(deletion: Deletion): void {
    this.#deletions.set(deletion.head, deletion);
    if (this.#deletions.size <= deletionsRemembered) return;
    const [oldest = ""] = this.#deletions.keys();
    this.#deletions.delete(oldest);
  }
}
