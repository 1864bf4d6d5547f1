/**
 * What is kept over a reload: exchanges with the Wirebook server, and conversations with others of which the user says so,
 * since those may hold passwords. Without storage the page works the same, until it is reloaded.
 */

import { plural } from "../ui/format.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { Stream } from "./stream.svelte.ts";
import type { StreamStore } from "./stream-store.ts";
import type { Streams } from "./streams.svelte.ts";

export class Keeper {
  /** What went wrong, in a sentence. */
  problem = $state("");
  /** Settles when all that is over is written. */
  written: Promise<unknown> = Promise.resolve();
  readonly #streams: Streams;
  readonly #open: () => Promise<StreamStore>;
  #store: Promise<StreamStore> | undefined;

  /** @param open loads the store, when it is first needed */
  constructor(streams: Streams, open = async () => new (await import("./stream-store.ts")).StreamStore()) {
    this.#streams = streams;
    this.#open = open;
    streams.onStart = (stream) => {
      if (stream.isWithServer && stream.intent.by === "user") void stream.over.then(() => this.#save(stream));
    };
  }

  /** Shows what was kept, before everything else. Nothing is sent. */
  async restore(): Promise<void> {
    await this.#use(async (store) => {
      const { streams, problems } = await store.load();
      this.#streams.restore(streams);
      if (problems > 0)
        this.problem = `Removed ${plural(problems, "kept entry", "kept entries")} that could not be read.`;
    });
  }

  /** The user wants this one kept: as it is now, and again when it is over. */
  async keep(stream: Stream): Promise<void> {
    if (stream.state === "running") void stream.over.then(() => this.#save(stream));
    await this.#save(stream);
  }

  /** Clears, or asks first where it would lose what the user sent to the operator's other services and did not keep. */
  askToClear(layout: Pick<Layout, "confirm">): void {
    const targets = new Set(this.#streams.targets.map(({ name }) => name));
    const { length } = this.#streams.list.filter(
      ({ intent: { by, loaded, target }, isKept, isWithServer, state }) =>
        by === "user" && state !== "running" && !isKept && !isWithServer && !loaded && targets.has(target.name),
    );
    if (length === 0) return void this.clear();
    const are = `${plural(length, "entry", "entries")} with other services ${length === 1 ? "is" : "are"}`;
    layout.confirm(`${are} not kept anywhere else.`, "Clear all", () => void this.clear());
  }

  /** Forgets all that is over, here and in the store. */
  async clear(): Promise<void> {
    this.#streams.clear();
    await this.#use((store) => store.clear());
  }

  async #save(stream: Stream): Promise<void> {
    stream.isKept = await this.#use((store) => store.save(stream));
    if (!stream.isKept)
      this.problem = `${stream.name} is not kept over a reload: it is too big, or the browser's storage is blocked or full.`;
  }

  /** One after the other. False when it fails: the next one opens the storage anew. */
  #use(deed: (store: StreamStore) => Promise<void>): Promise<boolean> {
    const used = this.written.then(async () => {
      try {
        await deed(await (this.#store ??= this.#open()));
        return true;
      } catch {
        this.#store = undefined;
        return false;
      }
    });
    this.written = used;
    return used;
  }
}
