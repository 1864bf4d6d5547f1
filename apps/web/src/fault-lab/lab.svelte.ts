import { tick } from "svelte";
import { decodeText } from "@wirebook/protocol";
import type { Exchange } from "../exchanges/exchange.svelte.ts";
import { hideKey, keyOf } from "../exchanges/secrets.ts";
import type { AppState } from "../app-state.svelte.ts";
import { summarize } from "../inspector/notes/summary.ts";
import { buildTimeline } from "../inspector/timeline/timeline.ts";
import { makeExperiment } from "./experiment.ts";
import { deletes } from "./forecast.ts";
import { decodeLink, encodeLink, isLabLink } from "./link.ts";
import { applyPreset, ordinary } from "./settings.ts";
import type { FaultSettings, Preset } from "./settings.ts";

/** The fault lab: settings, which a link can hold, and the exchanges that were made with them. */
export class Lab {
  settings = $state.raw<FaultSettings>(ordinary);
  /** The latest runs; all of them began in the same moment. */
  runs = $state.raw<readonly Exchange[]>([]);
  readonly #page: AppState;

  constructor(page: AppState) {
    this.#page = page;
    if (isLabLink(location.hash)) this.settings = decodeLink(location.hash);
    else this.take(page.exchanges.selected?.intent.message ?? page.composer.draft.message);
  }

  get experiment() {
    const message = this.settings.message.replace(/^[^\s~]+(?=\s|$)/u, (name) => this.#page.keyring.speaker(name));
    return makeExperiment({ ...this.settings, message });
  }

  get isDeleting(): boolean {
    return deletes(this.experiment);
  }

  /** The same message as an exchange had. */
  take(message: string | undefined): void {
    if (message === undefined) return;
    // The name alone stands in the field; its key is put behind it when the message is made.
    this.change({
      message: message
        .replace(/\r?\n[^]*$/u, "")
        .replace(/^(\s*[^\s~]*)~\S*/u, (whole, name: string) => (this.#page.keyring.has(name) ? name : whole)),
    });
  }

  change(some: Partial<FaultSettings>): void {
    this.settings = { ...this.settings, ...some };
  }

  apply(preset: Preset): void {
    this.settings = applyPreset(preset, this.settings);
  }

  /** The link that brings these settings, without the key of a user. */
  get link(): string {
    return new URL(encodeLink(this.settings), location.href).href;
  }

  /** Runs the experiment; each run is an exchange like any other. */
  async run(): Promise<void> {
    const { bytes, plan, read, problem } = this.experiment;
    if (problem !== undefined) return;
    const { exchanges } = this.#page;
    const text = decodeText(bytes);
    const order = { by: "user", user: nameIn(text), bytes, plan, purpose: "in the fault lab" } as const;
    const begun = Array.from({ length: this.settings.runs }, () =>
      exchanges.raw({ ...order, ...(read === undefined ? {} : { read }) }),
    ).filter((exchange) => exchange !== undefined);
    this.runs = begun;
    await exchanges.show(begun[0]);
    await tick();
    // On a low screen what comes of it would begin below the edge.
    document.querySelector("#wire .verdict")?.scrollIntoView({ block: "nearest" });
    await Promise.all(begun.map(({ over }) => over));
    const [first] = begun;
    if (first === undefined || this.runs !== begun) return;
    const said = first.failure?.message ?? summarize(buildTimeline(first));
    this.#page.announcement = `${hideKey(text, keyOf(text)).trim()}: ${said}`;
  }
}

function nameIn(text: string): string {
  return text.trim().split(/\s/u, 1)[0] ?? "";
}
