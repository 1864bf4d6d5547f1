import type { Component } from "svelte";
import type { AppState } from "../app-state.svelte.ts";

/** What the dialog is given. */
export interface DialogProps {
  readonly page: AppState;
  readonly taking: ExportSubject;
  readonly onclose: () => void;
}

/** What the dialog is opened for. */
export interface ExportSubject {
  /** Files to load at once: those that were dropped on the page. */
  readonly files?: readonly File[];
  /** What is done at once, or where the focus goes. */
  readonly first?: "pcapng" | "ndjson" | "link" | "load";
}

/** What makes and opens the addresses of exchanges, which is not part of the page's first load either. */
export function fetchLinks() {
  return import("./exchange-link.ts");
}

export type Dialog = Component<DialogProps>;

/** The dialog, which is not part of the page's first load. */
export async function fetchDialog(): Promise<Dialog> {
  return (await import("./ExportDialog.svelte")).default;
}
