/** What will happen, said before it does: the steps of the plan in words, and what this protocol makes of them. */

import { decodeText, isDestructive, messageDeadlineMs, messageSilenceMs, planMs, plainText } from "@wirebook/protocol";
import type { PlanStep } from "@wirebook/protocol";
import { hideKey, keyOf } from "../exchanges/secrets.ts";
import { count, plural } from "../ui/format.ts";
import type { Experiment } from "./experiment.ts";
import type { FaultSettings } from "./settings.ts";

/** A step of the plan, with its time from the beginning. */
export interface TimedStep {
  readonly atMs: number;
  readonly kind: "write" | "end" | "reset";
  /** What is written, as text. */
  readonly text: string;
  readonly bytes: number;
}

export function timedSteps({ plan, bytes }: Experiment): readonly TimedStep[] {
  let atMs = 0;
  let offset = 0;
  return plan.map((step) => {
    atMs += step.afterMs;
    if (!("bytes" in step)) return { atMs, kind: step.do, text: "", bytes: 0 };
    const part = bytes.subarray(offset, (offset += step.bytes));
    return { atMs, kind: "write" as const, text: plainText(decodeText(part)), bytes: step.bytes };
  });
}

/** What the gateway will do. */
export function planWords(experiment: Experiment, { runs }: FaultSettings): string {
  const { plan, bytes, read } = experiment;
  const writes = plan.filter((step) => "bytes" in step);
  const [first, second] = writes;
  const closing = plan.find((step) => "do" in step);
  const sentences = [
    `${runs === 1 ? "The gateway opens a connection" : `The gateway opens ${count(runs)} connections at once`} and ${
      first === undefined ? "writes nothing" : `writes ${plural(bytes.length, "byte")}${how(writes)}`
    }${first !== undefined && first.afterMs > 0 ? `, the first after ${count(first.afterMs)} ms` : ""}${
      second === undefined ? "" : `, ${count(second.afterMs)} ms apart`
    }.`,
  ];
  if (closing !== undefined) {
    const when = closing.afterMs === 0 ? "At once" : `${count(closing.afterMs)} ms`;
    const what = closing.do === "end" ? "FIN: no more will come, but the answer is read" : "RST, and is gone";
    sentences.push(`${when} behind ${writes.length === 0 ? "the handshake" : "the last byte"} it sends ${what}.`);
  }
  if (read !== undefined) {
    const begin = read.afterMs === 0 ? "" : `, from ${count(read.afterMs)} ms on`;
    sentences.push(`It reads at most ${plural(read.bytes, "byte")} every ${count(read.everyMs)} ms${begin}.`);
  }
  return sentences.join(" ");
}

function how(writes: readonly PlanStep[]): string {
  if (writes.length === 1) return " in one write";
  return writes.every((step) => "bytes" in step && step.bytes === 1)
    ? " one at a time"
    : ` in ${count(writes.length)} writes`;
}

/** What ends the message by the rules of this protocol [W-2], [W-5], [W-6]. Another server may do otherwise. */
export function forecast({ plan, bytes }: Experiment): string {
  let atMs = 0;
  let offset = 0;
  let lastWriteMs = 0;
  for (const step of plan) {
    if (offset > 0 && step.afterMs > messageSilenceMs && !isExempt(bytes.subarray(0, offset))) {
      return silenceWords(bytes.subarray(0, offset), offset < bytes.length);
    }
    atMs += step.afterMs;
    if (atMs > messageDeadlineMs)
      return `By the rules the server gives up ${messageDeadlineMs / 1000} s after the connection stood.`;
    if ("do" in step) return closeText(step.do, offset);
    const feed = bytes.subarray(offset, offset + step.bytes).indexOf(0x0a);
    offset += step.bytes;
    lastWriteMs = atMs;
    if (feed >= 0) return feedWords(plan);
  }
  if (isExempt(bytes)) {
    return `By the rules the server waits for an end until ${messageDeadlineMs / 1000} s have passed, and then deletes nothing: what deletes must be terminated.`;
  }
  const atEndMs = Math.min(lastWriteMs + messageSilenceMs, messageDeadlineMs);
  return `By the rules ${messageSilenceMs} ms of silence end the message, ${count(atEndMs)} ms after the connection stood.`;
}

function isExempt(bytes: Uint8Array): boolean {
  const [, ...words] = decodeText(bytes)
    .split(/\s+/u)
    .filter((word) => word !== "");
  return isDestructive(words);
}

function silenceWords(heard: Uint8Array, isMoreToCome: boolean): string {
  const said = decodeText(heard);
  const text = plainText(hideKey(said, keyOf(said)));
  const rest = isMoreToCome ? " What comes later is ignored." : "";
  return `By the rules ${messageSilenceMs} ms of silence end the message before the next step: the server takes it as “${text}”.${rest}`;
}

function closeText(deed: "end" | "reset", offset: number): string {
  if (deed === "end") return "By the rules FIN ends the message.";
  return offset === 0
    ? "By the rules a connection that sends no byte leaves no trace."
    : "The message has not ended by then, so nothing is done; the history keeps what came.";
}

function feedWords(plan: readonly PlanStep[]): string {
  const closing = plan.find((step) => "do" in step);
  if (closing?.do !== "reset") return "By the rules the line feed ends the message, however it was cut.";
  return `By the rules the line feed ends the message. ${
    planMs([closing]) < 5
      ? "RST comes right behind it: the server may see either first."
      : "RST comes behind it, when the answer is on its way or has come."
  }`;
}

/** True when the message deletes something, should it come to its end. */
export function deletes({ bytes }: Experiment): boolean {
  return isExempt(bytes.subarray(0, bytes.indexOf(0x0a) >= 0 ? bytes.indexOf(0x0a) : bytes.length));
}
