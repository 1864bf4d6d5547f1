import type { ExportSubject } from "../export/lazy.ts";
import { Persisted } from "./persisted.ts";

/** What lies over the page: a dialog, or nothing; and whether single keys do anything. */
export class Shell {
  dialog = $state<"palette" | "keys">();
  /** What exchanges are taken along for, while that dialog is open. */
  taking = $state.raw<ExportSubject>();
  readonly #persisted = new Persisted("keys");
  #hasKeys = $state(true);

  constructor() {
    this.#hasKeys = this.#persisted.read() !== "off";
  }

  /** Speech input and a careless elbow type letters; whoever has either can switch the single keys off. */
  get hasKeys(): boolean {
    return this.#hasKeys;
  }

  set hasKeys(hasKeys: boolean) {
    this.#hasKeys = hasKeys;
    this.#persisted.write(hasKeys ? "on" : "off");
  }
}
