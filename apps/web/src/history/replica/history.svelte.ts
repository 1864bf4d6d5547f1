import { deletionsRemembered, gapMarksKept } from "../../limits.ts";
import { RedrawThrottle } from "../../ui/redraw-throttle.svelte.ts";
import { HistoryReplica } from "./history-replica.ts";
import type { Deletion } from "./deletion.ts";
import type { Bookmark } from "./history-replica.ts";

/** Where lines were read afterwards that had come while nothing was followed. */
export interface GapMark {
  /** The first of them. */
  readonly first: Bookmark;
  /** How many; `undefined` when too much had changed to count them. */
  readonly lines: number | undefined;
}

/** The history that the page shows: a copy that is replaced as a whole when the follow begins again. */
export class History {
  readonly #pulse = new RedrawThrottle();
  readonly #gapMarks: GapMark[] = [];
  readonly #deletions = new Map<string, Deletion>();
  #copy = new HistoryReplica();
  readonly #shownListeners = new Set<(copy: HistoryReplica) => void>();
  #stopListening = () => {};

  /** The copy; whoever draws it draws it again when it changes. */
  get copy(): HistoryReplica {
    this.#pulse.listen();
    return this.#copy;
  }

  /** The copy as it is now, for those who do not draw. */
  get current(): HistoryReplica {
    return this.#copy;
  }

  /** Shows another copy from now on. */
  show(copy: HistoryReplica): void {
    this.#stopListening();
    this.#stopListening = copy.listen((_, deletion) => deletion !== undefined && this.#remember(deletion));
    this.#copy = copy;
    for (const listener of this.#shownListeners) listener(copy);
    this.#pulse.mark();
  }

  /** Is told when another copy is shown. */
  onShown(listener: (copy: HistoryReplica) => void): void {
    this.#shownListeners.add(listener);
  }

  /** The copy changed. */
  mark(): void {
    this.#pulse.mark();
  }

  /** Marks the place where lines were missed; call it before the copy is shown. */
  markGap(copy: HistoryReplica, position: number, lines: number | undefined): void {
    this.#gapMarks.push({ first: copy.mark(position), lines });
    if (this.#gapMarks.length <= gapMarksKept) return;
    const oldest = this.#gapMarks.shift();
    if (oldest !== undefined) copy.unmark(oldest.first);
  }

  /** The mark that belongs above a line. */
  gapAt(position: number): GapMark | undefined {
    this.#pulse.listen();
    return this.#gapMarks.findLast(({ first }) => first.position === position && !first.isGone);
  }

  /** What the feed told of the deletion of a line, lately. */
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
