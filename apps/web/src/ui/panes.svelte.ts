/**
 * How wide the panes are, and which are folded away.
 *
 * A width is a share, so a larger window gives each pane its part of what it gained. Moving a divider takes from one
 * neighbour what it gives to the other, and never less than a pane needs to be read.
 */

import { Persisted } from "./browser.ts";

export type Pane = "conversation" | "inspector" | "history";

/** What can be folded away; without the conversation there is no page. */
export type FoldablePane = Exclude<Pane, "conversation">;

/** The least width of a pane in pixels. */
export const paneWidthMin = { conversation: 300, inspector: 340, history: 300 } as const;

/** Pixels that a folded pane leaves of itself. */
export const foldedWidth = 36;

export const panesInOrder: readonly Pane[] = ["conversation", "inspector", "history"];

type Shares = Readonly<Record<Pane, number>>;

const defaultShares: Shares = { conversation: 30, inspector: 42, history: 28 };

export class Panes {
  readonly #keptShares = new Persisted("panes");
  readonly #keptFolded = new Persisted("folded");
  #shares = $state.raw(decodeShares(this.#keptShares.read()) ?? defaultShares);
  #folded = $state.raw<readonly string[]>(this.#keptFolded.read()?.split(" ") ?? []);

  isFolded(pane: Pane): boolean {
    return this.#folded.includes(pane);
  }

  fold(pane: FoldablePane, isFolded: boolean): void {
    if (isFolded === this.isFolded(pane)) return;
    this.#folded = isFolded ? [...this.#folded, pane] : this.#folded.filter((each) => each !== pane);
    this.#keptFolded.write(this.#folded.join(" "));
  }

  /** The pane's track of the grid. */
  track(pane: Pane): string {
    return `minmax(${paneWidthMin[pane]}px, ${this.#shares[pane]}fr)`;
  }

  /**
   * Makes two neighbours as wide as that, in pixels. The third keeps the width that it has.
   *
   * @param widthOf the width of a pane now; 0 when it is not in sight
   */
  divide(before: Pane, behind: Pane, at: number, widthOf: (pane: Pane) => number): void {
    const room = widthOf(before) + widthOf(behind);
    const third = panesInOrder.find((pane) => pane !== before && pane !== behind) as Pane;
    const scale = (this.#shares[before] + this.#shares[behind]) / room;
    const isThirdSeen = !this.isFolded(third) && widthOf(third) > 0;
    const rest = isThirdSeen ? widthOf(third) : this.#shares[third] / scale;
    const width = Math.max(paneWidthMin[before], Math.min(room - paneWidthMin[behind], at));
    const widths = { [before]: width, [behind]: room - width, [third]: rest };
    this.#keep(widths as Record<Pane, number>);
  }

  reset(): void {
    this.#keep(defaultShares);
  }

  #keep(shares: Shares): void {
    this.#shares = shares;
    this.#keptShares.write([shares.conversation, shares.inspector, shares.history].join(" "));
  }
}

/** Shares that were kept, `30 42 28`; `undefined` when they are not three positive numbers. */
export function decodeShares(kept: string | undefined): Shares | undefined {
  const [conversation = 0, inspector = 0, history = 0, ...rest] = (kept ?? "").split(" ").map(Number);
  const isUsable = [conversation, inspector, history].every((share) => share > 0 && Number.isFinite(share));
  return isUsable && rest.length === 0 ? { conversation, inspector, history } : undefined;
}
