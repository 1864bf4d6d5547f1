import { decodeText } from "@wirebook/protocol";
import type { AnnouncedTarget } from "@wirebook/protocol";
import { withoutKey } from "../conversation/draft.ts";
import type { Keyring } from "../conversation/identity.svelte.ts";
import { serverName } from "../gateway/targets.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { deletes, isOrdinary, makeExperiment, ordinary } from "./experiment.ts";
import type { FaultSettings } from "./experiment.ts";

/** What the streams of the lab are made for. */
const purpose = "in the fault lab";

/** The fault lab: a message that is sent as no ordinary client would. */
export class Lab {
  settings = $state.raw<FaultSettings>(ordinary);
  readonly #streams: Pick<Streams, "connect" | "selected" | "target">;
  readonly #keyring: Pick<Keyring, "withKey">;
  readonly #onSent: (stream: Stream | undefined) => void;
  /** True once the settings are somebody's own: then another stream that is chosen does not replace the message. */
  #isEdited = false;

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

  /** Where it sends: to the target of the stream that is inspected. */
  get target(): AnnouncedTarget {
    return this.#streams.selected?.intent.target ?? this.#streams.target;
  }

  get isWithServer(): boolean {
    return this.target.name === serverName;
  }

  /** The key of the name is added only here. */
  get experiment() {
    const { message } = this.settings;
    if (!this.isWithServer) return makeExperiment(this.settings);
    const withKey = message.replace(/^[^\s~]+(?=\s|$)/u, (name) => this.#keyring.withKey(name));
    return makeExperiment({ ...this.settings, message: withKey });
  }

  get isDeleting(): boolean {
    return this.isWithServer && deletes(this.experiment);
  }

  /** Takes the message of a stream to be broken. */
  take({ intent, isWithServer }: Stream): void {
    const message = intent.message.replace(/\r?\n[^]*$/u, "");
    this.settings = { ...this.settings, message: isWithServer ? withoutKey(message) : message };
    this.#isEdited = false;
  }

  /** Another stream is inspected. */
  follow(stream: Stream | undefined): void {
    if (stream !== undefined && !this.#isEdited && stream.intent.purpose !== purpose) this.take(stream);
  }

  change(some: Partial<FaultSettings>): void {
    this.settings = { ...this.settings, ...some };
    this.#isEdited = true;
  }

  /** Runs the experiment; each run is an exchange like any other. */
  run(): void {
    const { bytes, schedule, read, problem } = this.experiment;
    if (problem !== undefined) return;
    const [user = ""] = this.isWithServer ? decodeText(bytes).trim().split(/\s/u, 1) : [];
    const { target } = this;
    const order = {
      by: "user",
      user,
      bytes,
      target,
      purpose,
      ...(isOrdinary(schedule) ? {} : { schedule }),
      ...(read === undefined ? {} : { read }),
    } as const;
    const runs = Array.from({ length: this.settings.runs }, () => this.#streams.connect(order));
    this.#isEdited = false;
    this.#onSent(runs[0]);
  }
}
