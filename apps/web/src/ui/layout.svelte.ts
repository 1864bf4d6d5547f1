/** What of the page is in sight: the pane of a narrow screen, the tab of the inspector, the dialog, the latest result. */

import { tick } from "svelte";
import { Panes } from "./panes.svelte.ts";
import type { FoldablePane, Pane } from "./panes.svelte.ts";

export type InspectorTab = "notes" | "stream" | "frames" | "bytes" | "steps" | "lab";

export type Dialog = "palette" | "settings" | "help";

/** What the export dialog is open for. */
export interface ExportSubject {
  /** Files to load at once: those that were dropped on the page. */
  readonly files?: readonly File[];
  /** What is done at once, or where the focus goes. */
  readonly first?: "pcapng" | "ndjson" | "link" | "load";
}

export class Layout {
  readonly panes = new Panes();
  #pane = $state<Pane>("conversation");
  #side = $state<FoldablePane>("inspector");
  tab = $state<InspectorTab>("notes");
  /** The dialog that lies over the page. */
  dialog = $state<Dialog>();
  exportSubject = $state.raw<ExportSubject>();
  /** The latest result, for screen readers. */
  announcement = $state("");
  /** Why the stream of the page's address is not shown, in a sentence. */
  linkProblem = $state("");

  /** The pane that a narrow screen shows. */
  get pane(): Pane {
    return this.#pane;
  }

  /** Brings a pane into sight, on a screen of any width. */
  set pane(pane: Pane) {
    this.#pane = pane;
    if (pane === "conversation") return;
    this.#side = pane;
    this.panes.fold(pane, false);
  }

  /** The pane that a screen of middle width shows beside the conversation. */
  get side(): FoldablePane {
    return this.#side;
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

  openLab(): void {
    this.tab = "lab";
    void this.focus("inspector", "#inspector");
  }
}
