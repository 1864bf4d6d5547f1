import type { Component } from "svelte";
import type { Page } from "../page.svelte.ts";

/** What the dialog is given. */
export interface DialogProps {
  readonly page: Page;
  /** Files to load at once: those that were dropped on the page. */
  readonly files: readonly File[];
  readonly onclose: () => void;
}

export type Dialog = Component<DialogProps>;

/** The dialog, which is not part of the page's first load. */
export async function fetchDialog(): Promise<Dialog> {
  return (await import("./TakeAlong.svelte")).default;
}
