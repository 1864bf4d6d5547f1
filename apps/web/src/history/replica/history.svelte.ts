import { RedrawThrottle } from "../../ui/redraw-throttle.svelte.ts";
import { BackgroundLines } from "../background-lines.ts";
import { HistoryReplica } from "./history-replica.ts";

/** The history that the page shows: a replica that is replaced as a whole when the follow begins again. */
export class History {
  /** By whom the page follows and reads it, with the key. */
  user = "";
  readonly background = new BackgroundLines();
  readonly #redraw = new RedrawThrottle();
  #replica = new HistoryReplica();
  readonly #shownListeners = new Set<(replica: HistoryReplica) => void>();

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
}
