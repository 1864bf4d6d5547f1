/**
 * The scenario of the page: its text, and the plays that were made.
 *
 * The library that reads and plays a scenario is loaded with the tab, so nothing here needs it.
 */

import type { Stream } from "../streams/stream.svelte.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { Play } from "./play.svelte.ts";

/** What the tab is opened for: to write down a stream, to read a file, to play the text. */
export type ScenarioTask =
  | { readonly kind: "write"; readonly stream: Stream }
  | { readonly kind: "open"; readonly file: File }
  | { readonly kind: "play" };

export class Scenarios {
  text = $state("");
  /** The file's name without its ending. */
  name = $state("scenario");
  /** The text that was edited when another one took its place, to be put back. */
  replaced = $state.raw<string>();
  /** Carried out by the tab as soon as it is there. */
  task = $state.raw<ScenarioTask>();
  /** The newest play. */
  latest = $state.raw<Play>();
  readonly #layout: Pick<Layout, "openScenario">;
  /** Each lives as long as its stream is kept. */
  readonly #plays = new WeakMap<Stream, Play>();
  /** The text as it was written or read. */
  #original = "";

  constructor(layout: Pick<Layout, "openScenario">) {
    this.#layout = layout;
  }

  /** Opens the tab, and does this there. */
  open(task?: ScenarioTask): void {
    this.task = task;
    this.#layout.openScenario();
  }

  /** The play that made a stream. */
  playOf(stream: Stream | undefined): Play | undefined {
    void this.latest;
    return stream && this.#plays.get(stream);
  }

  add(play: Play): void {
    this.#plays.set(play.stream, play);
    this.latest = play;
  }

  /** Puts another text in place of this one, which can be put back when it was edited. */
  replace(text: string, name: string): void {
    this.replaced = this.text === this.#original || this.text === text ? undefined : this.text;
    this.#original = this.text = text;
    this.name = name;
  }

  putBack(): void {
    this.text = this.replaced ?? this.text;
    this.replaced = undefined;
  }
}
