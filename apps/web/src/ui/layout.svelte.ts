import { tick } from "svelte";
import * as z from "zod/mini";
import type { Stream } from "../streams/stream.svelte.ts";
import { Persisted } from "./browser.ts";

export type Pane = "conversation" | "inspector" | "history";

type FoldablePane = Exclude<Pane, "conversation">;

/** The least width of a pane in pixels. */
export const paneWidthMin = { conversation: 300, inspector: 340, history: 300 } as const;

/** Pixels that a folded pane leaves of itself. */
export const foldedWidth = 36;

export const panesInOrder: readonly Pane[] = ["conversation", "inspector", "history"];

const share = z.number().check(z.positive());
const shares = z.object({ conversation: share, inspector: share, history: share });
const defaultShares = { conversation: 30, inspector: 42, history: 28 };

/** How wide the panes are, as shares of the window, and which are folded away. */
export class Panes {
  readonly #keptShares = new Persisted("panes");
  readonly #keptFolded = new Persisted("folded");
  #shares = $state.raw(this.#keptShares.readAs(shares) ?? defaultShares);
  #folded = $state.raw(this.#keptFolded.readAs(z.array(z.string())) ?? []);

  isFolded(pane: Pane): boolean {
    return this.#folded.includes(pane);
  }

  fold(pane: FoldablePane, isFolded: boolean): void {
    if (isFolded === this.isFolded(pane)) return;
    this.#folded = isFolded ? [...this.#folded, pane] : this.#folded.filter((each) => each !== pane);
    this.#keptFolded.write(JSON.stringify(this.#folded));
  }

  track(pane: Pane): string {
    return `minmax(${paneWidthMin[pane]}px, ${this.#shares[pane]}fr)`;
  }

  /** Divides the pixels that two neighbours have: `at` for the one before. What one gains the other loses. */
  divide(before: Pane, behind: Pane, at: number, pixels: number): void {
    const width = Math.max(paneWidthMin[before], Math.min(pixels - paneWidthMin[behind], at));
    const both = this.#shares[before] + this.#shares[behind];
    const part = (both * width) / pixels;
    this.#keep({ ...this.#shares, [before]: part, [behind]: both - part });
  }

  reset(): void {
    this.#keep(defaultShares);
  }

  #keep(kept: typeof defaultShares): void {
    this.#shares = kept;
    this.#keptShares.write(JSON.stringify(kept));
  }
}

export type InspectorTab = "notes" | "stream" | "frames" | "bytes" | "steps" | "lab" | "compare" | "scenario";

/** Behind it stands which lesson, by its name or number, or nothing for their list. */
export const lessonLinkPrefix = "#lesson=";

export type Dialog = "settings" | "help" | "present" | "export";

export class Layout {
  readonly panes = new Panes();
  #pane = $state<Pane>("conversation");
  /** The pane that a screen of middle width shows beside the conversation. */
  side = $state<FoldablePane>("inspector");
  /** True when the pane of the history shows the traffic instead. */
  isTraffic = $state(false);
  tab = $state<InspectorTab>("notes");
  /** What the tab *Compare* shows; `undefined` while another stream is being chosen for the one that is selected. */
  compared = $state.raw<{ readonly one: Stream; readonly other: Stream }>();
  dialog = $state<Dialog>();
  /** What is asked before something that cannot be undone. */
  question = $state.raw<{ readonly text: string; readonly action: string; readonly run: () => void }>();
  /** The latest result, for screen readers. */
  announcement = $state("");
  /** The lesson that stands in the place of the log; `""` for their list, `undefined` for none. */
  lesson = $state<string>();
  /** Why the stream of the page's address is not shown, in a sentence. */
  linkProblem = $state("");

  /** The pane that a narrow screen shows. */
  get pane(): Pane {
    return this.#pane;
  }

  /** Brings a pane into sight, on a screen of any width. The history and the traffic share one. */
  set pane(wanted: Pane | "traffic") {
    const pane = wanted === "traffic" ? "history" : wanted;
    if (pane === "history") this.isTraffic = wanted === "traffic";
    this.#pane = pane;
    if (pane === "conversation") return;
    this.side = pane;
    this.panes.fold(pane, false);
  }

  /** Shows a pane, and moves the focus to a place in it. */
  async focus(pane: Pane, selector: string): Promise<void> {
    this.pane = pane;
    await tick();
    document.querySelector<HTMLElement>(selector)?.focus();
  }

  /** Folds a pane away; the focus goes to the button that is left of it. */
  async fold(pane: FoldablePane): Promise<void> {
    this.panes.fold(pane, true);
    await tick();
    document.querySelector<HTMLElement>(`[data-pane="${pane}"] > button`)?.focus();
  }

  openLesson(id = ""): void {
    this.lesson = id;
    this.pane = "conversation";
  }

  confirm(text: string, action: string, run: () => void): void {
    this.question = { text, action, run };
  }

  openTab(tab: InspectorTab): void {
    this.tab = tab;
    void this.focus("inspector", "#inspector");
  }
}
