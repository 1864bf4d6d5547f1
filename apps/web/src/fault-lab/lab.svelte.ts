/** The fault lab: its settings, what they make (the bytes, the write schedule, the rate of the reads), and its runs. */

import {
  decodeText,
  findScheduleProblem,
  firstBytesMax,
  isDestructive,
  scheduleMsMax,
  scheduleStepsMax,
  slowReadBytesMax,
  slowReadMsMax,
} from "@wirebook/protocol";
import type { AnnouncedTarget, ScheduleStep } from "@wirebook/protocol";
import { withoutKey } from "../conversation/draft.ts";
import type { Keyring } from "../conversation/identity.svelte.ts";
import { encodeLines, type LineEnd } from "../conversation/line-bytes.ts";
import { serverName } from "../gateway/targets.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { count } from "../ui/format.ts";

/** The settings of any client. */
const usual = {
  lineEnd: "LF" as LineEnd,
  delayMs: 0,
  /** Written at once, one byte at a time, or in two parts. */
  cut: "whole" as "whole" | "bytes" | "at",
  at: 3,
  gapMs: 100,
  /** After the last write the connection stays open, or is closed by FIN or RST. */
  close: "open" as "open" | "end" | "reset",
  reading: "fast" as "fast" | "slow",
  /** Of a slow reader: bytes that one read takes, milliseconds between two. */
  readBytes: 64,
  readEveryMs: 50,
  runs: 1,
};

export const ordinary = { message: "brick 2 -3", ...usual };

export type FaultSettings = Readonly<typeof ordinary>;

export const numberBounds = {
  delayMs: [0, scheduleMsMax],
  at: [1, firstBytesMax],
  gapMs: [0, scheduleMsMax],
  readBytes: [1, slowReadBytesMax],
  readEveryMs: [0, slowReadMsMax],
  runs: [1, 32],
} as const satisfies Partial<Record<keyof FaultSettings, readonly [least: number, most: number]>>;

export const presets: Readonly<Record<string, Readonly<typeof usual>>> = {
  "As usual": usual,
  Late: { ...usual, delayMs: 400 },
  "Byte by byte": { ...usual, cut: "bytes", gapMs: 60 },
  Split: { ...usual, cut: "at", at: 7, gapMs: 400 },
  "No newline": { ...usual, lineEnd: "none" },
  "Half-closed": { ...usual, lineEnd: "none", close: "end" },
  Reset: { ...usual, close: "reset" },
  "Slow reader": { ...usual, reading: "slow" },
  "Eight at once": { ...usual, runs: 8 },
};

/** Never throws: what cannot be run says why. */
export function makeExperiment(settings: FaultSettings) {
  const { message, lineEnd, cut, at, delayMs, gapMs, close, reading, readBytes, readEveryMs } = settings;
  const bytes = encodeLines(message, lineEnd);
  const steps = sizesOf(cut, at, bytes.length);
  const schedule: ScheduleStep[] = steps.map((size, index) => ({
    afterMs: index === 0 ? delayMs : gapMs,
    bytes: size,
  }));
  if (close !== "open") schedule.push({ afterMs: schedule.length === 0 ? delayMs : 0, do: close });
  const read = reading === "slow" ? { afterMs: 0, bytes: readBytes, everyMs: readEveryMs } : undefined;
  return { bytes, schedule, read, problem: findProblem(settings, bytes.length, schedule) };
}

/** One step over the limit is enough: the schedule cannot be run. */
function sizesOf(cut: FaultSettings["cut"], at: number, bytes: number): number[] {
  if (bytes === 0) return [];
  if (cut === "bytes") return Array.from({ length: Math.min(bytes, scheduleStepsMax + 1) }, () => 1);
  return cut === "at" && at < bytes ? [at, bytes - at] : [bytes];
}

function findProblem({ cut, at }: FaultSettings, bytes: number, schedule: readonly ScheduleStep[]): string | undefined {
  if (schedule.length === 0) return "there is nothing to send; type a message, or half-close or reset the connection";
  if (bytes > firstBytesMax)
    return `the message has ${count(bytes)} bytes, over the limit of ${count(firstBytesMax)}; shorten it`;
  if (cut === "at" && at >= bytes)
    return `the message has ${count(bytes)} bytes, so it cannot be split after ${count(at)}; type a smaller number`;
  return findScheduleProblem(schedule, bytes);
}

/** True for one write at once into a connection that stays open: any client writes so. */
export function isOrdinary([step, ...rest]: readonly ScheduleStep[]): boolean {
  return rest.length === 0 && step !== undefined && "bytes" in step && step.afterMs === 0;
}

export function deletes({ bytes }: Pick<ReturnType<typeof makeExperiment>, "bytes">): boolean {
  const [message = ""] = decodeText(bytes).split("\n", 1);
  const [, ...words] = message.split(/\s+/u).filter((word) => word !== "");
  return isDestructive(words);
}

type LabStreams = Pick<Streams, "connect" | "selected" | "target">;

/** A message that is sent as no ordinary client would, to the target of the stream that is inspected. */
export class Lab {
  #settings = $state.raw<Partial<FaultSettings>>({});
  readonly #streams: LabStreams;
  readonly #keyring: Pick<Keyring, "withKey">;
  readonly #onSent: (stream: Stream | undefined) => void;

  constructor(streams: LabStreams, keyring: Pick<Keyring, "withKey">, onSent: (stream: Stream | undefined) => void) {
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
