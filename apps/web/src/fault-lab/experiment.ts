/** What the settings make: the bytes, the write schedule and the rate of the reads. And what will happen, in words. */

import {
  decodeText,
  encodeText,
  findScheduleProblem,
  isDestructive,
  messageDeadlineMs,
  messageSilenceMs,
  plainText,
  scheduleMs,
  scheduleStepsMax,
  firstBytesMax,
} from "@wirebook/protocol";
import type { ScheduleStep, ReadRate } from "@wirebook/protocol";
import { hideKey, keyOf } from "../streams/keys.ts";
import { count, plural } from "../ui/format.ts";
import type { FaultSettings } from "./settings.ts";

export interface Experiment {
  readonly bytes: Uint8Array;
  readonly schedule: readonly ScheduleStep[];
  readonly read: ReadRate | undefined;
  /** Why it cannot be run, in a sentence. */
  readonly problem: string | undefined;
}

const endings = { lf: "\n", crlf: "\r\n", none: "" };

/** Never throws: what cannot be run says why. */
export function makeExperiment(settings: FaultSettings): Experiment {
  const bytes = encodeText(settings.message + endings[settings.lineEnd]);
  const schedule = scheduleOf(settings, bytes.length);
  const { reading, readAfterMs, readBytes, readEveryMs } = settings;
  const read = reading === "slow" ? { afterMs: readAfterMs, bytes: readBytes, everyMs: readEveryMs } : undefined;
  return { bytes, schedule, read, problem: findProblem(settings, bytes.length, schedule) };
}

function scheduleOf({ cut, at, delayMs, gapMs, close, closeMs }: FaultSettings, bytes: number): ScheduleStep[] {
  const sizes = sizesOf(cut, at, bytes);
  const steps: ScheduleStep[] = sizes.map((size, index) => ({ afterMs: index === 0 ? delayMs : gapMs, bytes: size }));
  if (close === "open") return steps;
  return [...steps, { afterMs: sizes.length === 0 ? delayMs + closeMs : closeMs, do: close }];
}

/** True for one write at once into a connection that stays open: any client writes so. */
export function isOrdinary([step, ...rest]: readonly ScheduleStep[]): boolean {
  return rest.length === 0 && step !== undefined && "bytes" in step && step.afterMs === 0;
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
  if (cut === "bytes" && schedule.length > scheduleStepsMax) {
    return `byte by byte takes ${count(bytes)} writes, over the limit of ${scheduleStepsMax} steps; shorten the message`;
  }
  if (cut === "at" && at >= bytes) {
    return `the message has ${count(bytes)} bytes, so it cannot be split after ${count(at)}; type a smaller number`;
  }
  return findScheduleProblem(schedule, bytes);
}

/** What the gateway will do, in words. */
export function describeSchedule(experiment: Experiment, { runs }: FaultSettings): string {
  const { schedule, bytes, read } = experiment;
  const writes = schedule.filter((step) => "bytes" in step);
  const [first, second] = writes;
  const closing = schedule.find((step) => "do" in step);
  const sentences = [
    `${runs === 1 ? "The gateway opens a connection" : `The gateway opens ${count(runs)} connections at once`} and ${
      first === undefined ? "writes nothing" : `writes ${plural(bytes.length, "byte")}${how(writes)}`
    }${first !== undefined && first.afterMs > 0 ? `, the first after ${count(first.afterMs)} ms` : ""}${
      second === undefined ? "" : `, ${count(second.afterMs)} ms apart`
    }.`,
  ];
  if (closing !== undefined) {
    const when = closing.afterMs === 0 ? "Immediately" : `${count(closing.afterMs)} ms`;
    const what = closing.do === "end" ? "FIN and still reads the reply" : "RST and closes";
    sentences.push(`${when} after ${writes.length === 0 ? "the handshake" : "the last byte"} it sends ${what}.`);
  }
  if (read !== undefined) {
    const begin = read.afterMs === 0 ? "" : `, starting after ${count(read.afterMs)} ms`;
    sentences.push(`It reads at most ${plural(read.bytes, "byte")} every ${count(read.everyMs)} ms${begin}.`);
  }
  return sentences.join(" ");
}

function how(writes: readonly ScheduleStep[]): string {
  if (writes.length === 1) return " in one write";
  return writes.every((step) => "bytes" in step && step.bytes === 1)
    ? " one at a time"
    : ` in ${count(writes.length)} writes`;
}

/** What will end the message by the rules of this protocol [W-2], [W-5], [W-6]. Another server may differ. */
export function predictEnd({ schedule, bytes }: Experiment): string {
  let atMs = 0;
  let offset = 0;
  let lastWriteMs = 0;
  for (const step of schedule) {
    if (offset > 0 && step.afterMs > messageSilenceMs && !isExempt(bytes.subarray(0, offset))) {
      return silenceText(bytes.subarray(0, offset), offset < bytes.length);
    }
    atMs += step.afterMs;
    if (atMs > messageDeadlineMs)
      return `By the rules the server gives up ${messageDeadlineMs / 1000} s after the connection is established.`;
    if ("do" in step) return closeText(step.do, offset);
    const feed = bytes.subarray(offset, offset + step.bytes).indexOf(0x0a);
    offset += step.bytes;
    lastWriteMs = atMs;
    if (feed >= 0) return feedText(schedule);
  }
  if (isExempt(bytes)) {
    return `By the rules the server waits ${messageDeadlineMs / 1000} s for a line feed or FIN, then deletes nothing: a message that deletes must be terminated.`;
  }
  const atEndMs = Math.min(lastWriteMs + messageSilenceMs, messageDeadlineMs);
  return `By the rules ${messageSilenceMs} ms of silence end the message, ${count(atEndMs)} ms after the connection is established.`;
}

function isExempt(bytes: Uint8Array): boolean {
  const [, ...words] = decodeText(bytes)
    .split(/\s+/u)
    .filter((word) => word !== "");
  return isDestructive(words);
}

function silenceText(received: Uint8Array, isMoreToCome: boolean): string {
  const message = decodeText(received);
  const text = plainText(hideKey(message, keyOf(message)));
  const rest = isMoreToCome ? " Later bytes are ignored." : "";
  return `By the rules ${messageSilenceMs} ms of silence end the message before the next step: the server takes it as “${text}”.${rest}`;
}

function closeText(close: "end" | "reset", offset: number): string {
  if (close === "end") return "By the rules FIN ends the message.";
  return offset === 0
    ? "By the rules a connection that sends no byte leaves no line in the history."
    : "The message does not end before that, so the server does nothing. The history keeps the bytes that came.";
}

function feedText(schedule: readonly ScheduleStep[]): string {
  const closing = schedule.find((step) => "do" in step);
  if (closing?.do !== "reset") return "By the rules the line feed ends the message, however it was cut.";
  return `By the rules the line feed ends the message. ${
    scheduleMs([closing]) < 5
      ? "RST follows at once: the server may see either first."
      : "RST follows after the reply was sent or has come."
  }`;
}

/** True when the message deletes something, if it ends. */
export function deletes({ bytes }: Experiment): boolean {
  return isExempt(bytes.subarray(0, bytes.indexOf(0x0a) >= 0 ? bytes.indexOf(0x0a) : bytes.length));
}
