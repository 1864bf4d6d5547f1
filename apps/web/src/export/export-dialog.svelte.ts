import type { Stream } from "../streams/stream.svelte.ts";
import { plural } from "../ui/format.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { copyText, saveFile } from "../ui/browser.ts";
import { encodeStreamLink, LinkError } from "./stream-link.ts";
import { exportFile, loadFile } from "./files.ts";
import type { Format } from "./files.ts";

/** The actions of the export dialog, and what it says of each. */
export class ExportDialog {
  /** Whether all exchanges are saved, or the one on the wire. */
  isWhole = $state(false);
  /** The result of the latest action, in a sentence. */
  status = $state("");
  address = $state("");
  /** What was wrong in a file, a sentence each. */
  problems = $state.raw<readonly string[]>([]);
  readonly #streams: Streams;
  readonly #onSelect: (stream: Stream) => void;

  /** @param onSelect gets the stream that is to be shown */
  constructor(streams: Streams, onSelect: (stream: Stream) => void) {
    this.#streams = streams;
    this.#onSelect = onSelect;
  }

  get chosen(): readonly Stream[] {
    const { selected, list } = this.#streams;
    return this.isWhole || selected === undefined ? list : [selected];
  }

  async copy(text: string, name: string): Promise<void> {
    const isCopied = await copyText(text);
    this.status = isCopied ? `Copied as ${name}.` : "The browser blocked copying. Select the command and copy it.";
  }

  async copyLink(stream: Stream): Promise<void> {
    try {
      this.address = location.href.replace(/#.*$/u, "") + (await encodeStreamLink(stream));
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.status = error.message;
      return;
    }
    const isCopied = await copyText(this.address);
    this.status = isCopied
      ? "Copied a link that holds the whole exchange."
      : "The browser blocked copying. Select the link and copy it.";
  }

  save(format: Format): void {
    const { blob, name, content } = exportFile(this.chosen, format, new Date());
    saveFile(blob, name);
    this.status = `Saved ${name}: ${content}.`;
  }

  /** Loads sessions, and shows the last exchange in them. */
  async load(files: readonly File[]): Promise<void> {
    const found: string[] = [];
    let loaded = 0;
    for (const file of files) {
      const { streams, problems } = await loadFile(file, this.#streams);
      loaded += streams.length;
      found.push(...problems.map((problem) => `${file.name}: ${problem}`));
      const last = streams.at(-1);
      if (last !== undefined) this.#onSelect(last);
    }
    this.problems = found;
    if (files.length > 0) this.status = `Loaded ${plural(loaded, "exchange")}.`;
  }
}
