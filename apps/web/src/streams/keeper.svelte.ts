/**
 * What is kept over a reload: exchanges with the Wirebook server, and conversations with others of which the user says so,
 * since those may hold passwords. Without storage the page works the same, until it is reloaded.
 */

import { keepDelayMs } from "../limits.ts";
import { plural } from "../ui/format.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { Stream } from "./stream.svelte.ts";
import type { StreamStore } from "./stream-store.ts";
import type { Streams } from "./streams.svelte.ts";

export class Keeper {
  /** What went wrong, in a sentence. */
  problem = $state("");
  readonly #streams: Streams;
  readonly #open: () => Promise<StreamStore>;
  #store: Promise<StreamStore> | undefined;
  readonly #waiting = new Set<Stream>();
  #timer: ReturnType<typeof setTimeout> | undefined;

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
    globalThis.addEventListener?.("pagehide", () => void this.flush());
    await this.#use(async (store) => {
      const { streams, problems } = await store.load();
      this.#streams.restore(streams);
      if (problems > 0)
        this.problem = `${plural(problems, "kept entry", "kept entries")} could not be read and ${problems === 1 ? "was" : "were"} removed.`;
    });
  }

  /** The user wants this one kept: as it is now, and again when it is over. */
  async keep(stream: Stream): Promise<void> {
    if (stream.state === "running") void stream.over.then(() => this.#save(stream));
    this.#waiting.add(stream);
    await this.flush();
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
    this.#waiting.clear();
    this.#streams.clear();
    await this.#use((store) => store.clear());
  }

  /** Writes what waits to be written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const streams = [...this.#waiting];
    this.#waiting.clear();
    for (const stream of streams) {
      const isStored = await this.#use(async (store) => {
        stream.isKept = await store.save(stream);
        if (!stream.isKept) this.problem = `${stream.name} is too big to be kept over a reload.`;
      });
      if (isStored) continue;
      stream.isKept = false;
      this.problem = `${stream.name} is not kept over a reload: the browser's storage is blocked or full.`;
    }
  }

  #save(stream: Stream): void {
    this.#waiting.add(stream);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), keepDelayMs);
  }

  /** False when the storage fails: it may be blocked or full, and the page is of use without it. */
  async #use(deed: (store: StreamStore) => Promise<void>, isAgain = false): Promise<boolean> {
    try {
      this.#store ??= this.#open();
      await deed(await this.#store);
      return true;
    } catch {
      this.#store = undefined;
      // A browser may close its connection to the storage at any time, and a new one works.
      return isAgain ? false : this.#use(deed, true);
    }
  }
}
