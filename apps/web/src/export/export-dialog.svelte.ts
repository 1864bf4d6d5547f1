import type { Exchange } from "../exchanges/exchange.svelte.ts";
import { plural } from "../ui/format.ts";
import type { AppState } from "../app-state.svelte.ts";
import { encodeExchangeLink, LinkError } from "./exchange-link.ts";
import { exportFile, loadFile } from "./files.ts";
import type { Format } from "./files.ts";

/** What is done to take exchanges along, and the words for what came of it. */
export class ExportDialog {
  /** Whether all exchanges are saved, or the one on the wire. */
  isWhole = $state(false);
  /** What was done last, in a sentence. */
  said = $state("");
  /** The link that was made last. */
  address = $state("");
  /** What was wrong in a file, a sentence each. */
  problems = $state.raw<readonly string[]>([]);
  readonly #page: AppState;

  constructor(page: AppState) {
    this.#page = page;
  }

  /** The exchanges that are saved. */
  get chosen(): readonly Exchange[] {
    const { selected, list } = this.#page.exchanges;
    return this.isWhole || selected === undefined ? list : [selected];
  }

  /** Copies a command, by the name of its program. */
  async copy(text: string, name: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.said = `Copied as ${name}.`;
    } catch {
      this.said = "The browser did not let the page copy; select the command and copy it yourself.";
    }
  }

  /** Copies a link that holds an exchange. */
  async copyLink(exchange: Exchange): Promise<void> {
    try {
      this.address = location.href.replace(/#.*$/u, "") + (await encodeExchangeLink(exchange));
      await navigator.clipboard.writeText(this.address);
      this.said = "Copied a link to this exchange, which holds all of it.";
    } catch (error) {
      this.said =
        error instanceof LinkError
          ? error.message
          : "The browser did not let the page copy; select the link and copy it yourself.";
    }
  }

  /** Saves through a link of its own making: the browser asks where to put it. */
  save(format: Format): void {
    const { blob, name, words } = exportFile(this.chosen, format, new Date());
    const blobAddress = URL.createObjectURL(blob);
    const link = document.createElement("a");
    link.href = blobAddress;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(blobAddress), 0);
    this.said = `Saved ${name}: ${words}.`;
  }

  /** Loads sessions, and shows the last exchange that was in them. */
  async load(files: readonly File[]): Promise<void> {
    const found: string[] = [];
    let loaded = 0;
    for (const file of files) {
      const { exchanges, problems } = await loadFile(file, this.#page.exchanges);
      loaded += exchanges.length;
      found.push(...problems.map((problem) => `${file.name}: ${problem}`));
      const last = exchanges.at(-1);
      if (last !== undefined) this.#page.select(last);
    }
    this.problems = found;
    if (files.length > 0) this.said = `Loaded ${plural(loaded, "exchange")}.`;
  }
}
