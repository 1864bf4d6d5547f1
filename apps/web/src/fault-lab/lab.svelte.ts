import { decodeText } from "@wirebook/protocol";
import type { AnnouncedTarget } from "@wirebook/protocol";
import { withoutKey } from "../conversation/draft.ts";
import type { Keyring } from "../conversation/identity.svelte.ts";
import { serverName } from "../gateway/targets.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { deletes, isOrdinary, makeExperiment, ordinary } from "./experiment.ts";
import type { FaultSettings } from "./experiment.ts";

/** The fault lab: a message that is sent as no ordinary client would, to the target of the stream that is inspected. */
export class Lab {
  #settings = $state.raw<Partial<FaultSettings>>({});
  readonly #streams: Pick<Streams, "connect" | "selected" | "target">;
  readonly #keyring: Pick<Keyring, "withKey">;
  readonly #onSent: (stream: Stream | undefined) => void;

  /** @param onSent gets the first stream of each run */
  constructor(
    streams: Pick<Streams, "connect" | "selected" | "target">,
    keyring: Pick<Keyring, "withKey">,
    onSent: (stream: Stream | undefined) => void,
  ) {
    this.#streams = streams;
    this.#keyring = keyring;
    this.#onSent = onSent;
  }

  get target(): AnnouncedTarget {
    return this.#streams.selected?.intent.target ?? this.#streams.target;
  }

  /** Until a message is typed it is that of the stream that is inspected. */
  get settings(): FaultSettings {
    const { intent, isWithServer } = this.#streams.selected ?? {};
    const [message] = intent?.message.split(/\r?\n/u, 1) ?? [];
    const taken = message === undefined ? {} : { message: isWithServer === true ? withoutKey(message) : message };
    return { ...ordinary, ...taken, ...this.#settings };
  }

  /** The key of the name is added only here. */
  get experiment() {
    const { settings } = this;
    if (this.target.name !== serverName) return makeExperiment(settings);
    const message = settings.message.replace(/^[^\s~]+(?=\s|$)/u, (name) => this.#keyring.withKey(name));
    return makeExperiment({ ...settings, message });
  }

  get isDeleting(): boolean {
    return this.target.name === serverName && deletes(this.experiment);
  }

  /** Takes the message of the stream that is inspected, whatever was typed. */
  takeMessage(): void {
    const { message: _, ...others } = this.#settings;
    this.#settings = others;
  }

  change(some: Partial<FaultSettings>): void {
    this.#settings = { ...this.#settings, ...some };
  }

  /** Runs the experiment; each run is an exchange like any other. */
  run(): void {
    const { settings, target } = this;
    const { bytes, schedule, read, problem } = this.experiment;
    if (problem !== undefined) return;
    const [user = ""] = target.name === serverName ? decodeText(bytes).trim().split(/\s/u, 1) : [];
    const how = { ...(isOrdinary(schedule) ? {} : { schedule }), ...(read === undefined ? {} : { read }) };
    const order = { by: "user", user, bytes, target, purpose: "in the fault lab", ...how } as const;
    const runs = Array.from({ length: settings.runs }, () => this.#streams.connect(order));
    this.#onSent(runs[0]);
  }
}
