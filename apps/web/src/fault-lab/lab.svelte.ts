import { tick } from "svelte";
import { decodeText } from "@wirebook/protocol";
import type { Exchange } from "../exchanges/exchange.svelte.ts";
import type { AppState } from "../app-state.svelte.ts";
import { summarize } from "../inspector/notes/summary.ts";
import { buildTimeline } from "../inspector/timeline/timeline.ts";
import { deletes, isOrdinary, makeExperiment } from "./experiment.ts";
import { applyPreset, decodeLink, encodeLink, isLabLink, ordinary } from "./settings.ts";
import type { FaultSettings, Preset } from "./settings.ts";

/** The fault lab: its settings, which a link can hold, and the exchanges that it made. */
export class Lab {
  settings = $state.raw<FaultSettings>(ordinary);
  runs = $state.raw<readonly Exchange[]>([]);
  readonly #page: AppState;

  constructor(page: AppState) {
    this.#page = page;
    if (isLabLink(location.hash)) this.settings = decodeLink(location.hash);
    else this.take(page.exchanges.selected?.intent.message ?? page.composer.draft.message);
  }

  get experiment() {
    const message = this.settings.message.replace(/^[^\s~]+(?=\s|$)/u, (name) => this.#page.keyring.withKey(name));
    return makeExperiment({ ...this.settings, message });
  }

  get isDeleting(): boolean {
    return this.#page.exchanges.hasServer && deletes(this.experiment);
  }

  take(message: string | undefined): void {
    if (message === undefined) return;
    // The field has the name alone; its key is added when the message is made.
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

  /** A link with these settings, without a key. */
  get link(): string {
    return new URL(encodeLink(this.settings), location.href).href;
  }

  /** Runs the experiment; each run is an exchange like any other. */
  async run(): Promise<void> {
    const { bytes, schedule, read, problem } = this.experiment;
    if (problem !== undefined) return;
    const { exchanges } = this.#page;
    const text = decodeText(bytes);
    const order = {
      by: "user",
      user: nameIn(text),
      bytes,
      purpose: "in the fault lab",
      ...(isOrdinary(schedule) ? {} : { schedule }),
      ...(read === undefined ? {} : { read }),
    } as const;
    const started = Array.from({ length: this.settings.runs }, () => exchanges.connect(order)).filter(
      (exchange) => exchange !== undefined,
    );
    this.runs = started;
    await exchanges.show(started[0]);
    await tick();
    // On a low screen the result would start below the edge.
    document.querySelector("#wire .summary")?.scrollIntoView({ block: "nearest" });
    await Promise.all(started.map((each) => each.settled()));
    const [first] = started;
    if (first === undefined || this.runs !== started) return;
    const summary = first.failure?.message ?? summarize(buildTimeline(first));
    this.#page.announcement = `${first.message.trim()}: ${summary}`;
  }
}

function nameIn(text: string): string {
  return text.trim().split(/\s/u, 1)[0] ?? "";
}
