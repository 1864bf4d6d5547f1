/** The scenario of the page, and its newest play. The library that writes, reads and plays it is loaded when it is needed. */

import type { Stream } from "../streams/stream.svelte.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { Play } from "./play.svelte.ts";

export class Scenarios {
  text = $state("");
  /** The file's name without its ending. */
  name = $state("scenario");
  latest = $state.raw<Play>();
  readonly #layout: Pick<Layout, "openTab" | "confirm">;
  /** The text as it was written or read. */
  #original = "";

  constructor(layout: Pick<Layout, "openTab" | "confirm">) {
    this.#layout = layout;
  }

  async write(stream: Stream): Promise<void> {
    this.#layout.openTab("scenario");
    // The tab says why, where a part of the page cannot be loaded.
    const texts = await import("./scenario-text.ts").catch(() => undefined);
    if (texts !== undefined) this.replace(texts.textOf(stream), texts.nameOf(stream));
  }

  /** Puts another text in place of this one, and asks first when this one was edited. */
  replace(text: string, name: string): void {
    const replace = (): void => {
      this.#original = this.text = text;
      this.name = name;
    };
    if (this.text === this.#original || this.text === text) return replace();
    this.#layout.confirm("This replaces the scenario that you edited.", "Replace scenario", replace);
  }
}
