import { decodeText } from "@wirebook/protocol";
import type { AnnouncedTarget } from "@wirebook/protocol";
import type { Keyring } from "../conversation/identity.svelte.ts";
import { serverName } from "../gateway/targets.ts";
import { summarize } from "../inspector/notes/summary.ts";
import { buildTimeline } from "../inspector/timeline/timeline.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { deletes, isOrdinary, makeExperiment } from "./experiment.ts";
import { applyPreset, ordinary } from "./settings.ts";
import type { FaultSettings, Preset } from "./settings.ts";

type Runner = Pick<Streams, "connect" | "show" | "selected" | "target">;
type Keys = Pick<Keyring, "withKey" | "has">;

/** The fault lab: its settings, and the streams that it made. */
export class Lab {
  settings = $state.raw<FaultSettings>(ordinary);
  runs = $state.raw<readonly Stream[]>([]);
  readonly #streams: Runner;
  readonly #keyring: Keys;
  readonly #announce: (result: string) => void;
  /** True once the settings are somebody's own: then another stream that is chosen does not replace the message. */
  #isEdited = false;

  /** @param announce tells a screen reader the result */
  constructor(streams: Runner, keyring: Keys, announce: (result: string) => void) {
    this.#streams = streams;
    this.#keyring = keyring;
    this.#announce = announce;
  }

  /** Where it sends: to the target of the stream that is inspected. */
  get target(): AnnouncedTarget {
    return this.#streams.selected?.intent.target ?? this.#streams.target;
  }

  get isWithServer(): boolean {
    return this.target.name === serverName;
  }

  get experiment() {
    const withKey = (name: string) => (this.isWithServer ? this.#keyring.withKey(name) : name);
    const message = this.settings.message.replace(/^[^\s~]+(?=\s|$)/u, withKey);
    return makeExperiment({ ...this.settings, message });
  }

  get isDeleting(): boolean {
    return this.isWithServer && deletes(this.experiment);
  }

  /** Begins with the message of a stream, unless another one is being tried already. */
  take(stream: Stream | undefined): void {
    if (stream === undefined || this.#isEdited || this.runs.includes(stream)) return;
    const message = stream.intent.message.replace(/\r?\n[^]*$/u, "");
    // The field has the name alone; its key is added when the message is made.
    const shown = message.replace(/^(\s*[^\s~]*)~\S*/u, (whole, name: string) =>
      this.#keyring.has(name) ? name : whole,
    );
    this.settings = { ...this.settings, message: shown };
  }

  change(some: Partial<FaultSettings>): void {
    this.settings = { ...this.settings, ...some };
    this.#isEdited = true;
  }

  apply(preset: Preset): void {
    this.settings = applyPreset(preset, this.settings);
  }

  /** Runs the experiment; each run is an exchange like any other. */
  async run(): Promise<void> {
    const { bytes, schedule, read, problem } = this.experiment;
    if (problem !== undefined) return;
    const streams = this.#streams;
    const text = decodeText(bytes);
    const order = {
      by: "user",
      user: this.isWithServer ? nameIn(text) : "",
      bytes,
      target: this.target,
      purpose: "in the fault lab",
      ...(isOrdinary(schedule) ? {} : { schedule }),
      ...(read === undefined ? {} : { read }),
    } as const;
    const started = Array.from({ length: this.settings.runs }, () => streams.connect(order)).filter(
      (stream) => stream !== undefined,
    );
    this.runs = started;
    this.#isEdited = false;
    await streams.show(started[0]);
    await Promise.all(started.map((each) => each.settled()));
    const [first] = started;
    if (first === undefined || this.runs !== started) return;
    const summary = first.failure?.message ?? summarize(buildTimeline(first));
    this.#announce(`${first.message.trim()}: ${summary}`);
  }
}

function nameIn(text: string): string {
  return text.trim().split(/\s/u, 1)[0] ?? "";
}
