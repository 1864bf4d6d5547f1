/**
 * The scenario of the page: its text, and the plays that were made.
 *
 * The library that reads and plays a scenario is loaded with the tab, so nothing here needs it.
 */

import type { Stream } from "../streams/stream.svelte.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { Play } from "./play.svelte.ts";

export class Scenarios {
  text = $state("");
  /** The file's name without its ending. */
  name = $state("scenario");
  /** The text that was edited when another one took its place, to be put back. */
  replaced = $state.raw<string>();
  /** The stream that the tab writes down as soon as it is there. */
  toWrite = $state.raw<Stream>();
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

  /** Opens the tab with the scenario of a stream. */
  write(stream: Stream): void {
    this.toWrite = stream;
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
