/** What the fault lab is set to: a message, how it is written, how the connection is left, how the reply is read. */

import { planMsMax, slowReadBytesMax, slowReadMsMax } from "@wirebook/protocol";
import { faultRunsMax } from "../limits.ts";

export const lineEnds = ["lf", "crlf", "none"] as const;
export const cuts = ["whole", "bytes", "at"] as const;
export const closes = ["open", "end", "reset"] as const;
export const readings = ["fast", "slow"] as const;

export interface FaultSettings {
  /** Without its line ending. */
  readonly message: string;
  readonly lineEnd: (typeof lineEnds)[number];
  /** Milliseconds before the first byte. */
  readonly delayMs: number;
  /** Written at once, one byte at a time, or in two parts. */
  readonly cut: (typeof cuts)[number];
  /** Bytes of the first of two parts. */
  readonly at: number;
  /** Milliseconds between two writes. */
  readonly gapMs: number;
  /** What is done with the connection behind the last write: nothing, FIN, RST. */
  readonly close: (typeof closes)[number];
  readonly closeMs: number;
  readonly reading: (typeof readings)[number];
  /** Of a slow reader: milliseconds before the first read, bytes that one takes, milliseconds between two. */
  readonly readAfterMs: number;
  readonly readBytes: number;
  readonly readEveryMs: number;
  /** So many exchanges at once. */
  readonly runs: number;
}

/** The numbers among the settings, and between what they must lie. */
export const numberBounds = {
  delayMs: [0, planMsMax],
  at: [1, 8192],
  gapMs: [0, planMsMax],
  closeMs: [0, planMsMax],
  readAfterMs: [0, slowReadMsMax],
  readBytes: [1, slowReadBytesMax],
  readEveryMs: [0, slowReadMsMax],
  runs: [1, faultRunsMax],
} as const satisfies Partial<Record<keyof FaultSettings, readonly [least: number, most: number]>>;

/** The name of a number among the settings. */
export type NumberName = keyof typeof numberBounds;

/** An ordinary message, sent as any client sends it. */
export const ordinary: FaultSettings = {
  message: "brick 2 -3",
  lineEnd: "lf",
  delayMs: 0,
  cut: "whole",
  at: 3,
  gapMs: 100,
  close: "open",
  closeMs: 0,
  reading: "fast",
  readAfterMs: 0,
  readBytes: 64,
  readEveryMs: 50,
  runs: 1,
};

/** A fault to begin with. */
export interface Preset {
  readonly name: string;
  readonly set: Partial<FaultSettings>;
}

export const presets: readonly Preset[] = [
  { name: "As usual", set: {} },
  { name: "Late", set: { delayMs: 400 } },
  { name: "Byte by byte", set: { cut: "bytes", gapMs: 60 } },
  { name: "Split", set: { cut: "at", at: 7, gapMs: 400 } },
  { name: "No newline", set: { lineEnd: "none" } },
  { name: "Half-closed", set: { lineEnd: "none", close: "end" } },
  { name: "Reset", set: { close: "reset" } },
  { name: "Slow reader", set: { reading: "slow" } },
  { name: "Eight at once", set: { runs: 8 } },
];

/** The settings of a preset for the same message. */
export function applyPreset({ set }: Preset, { message }: FaultSettings): FaultSettings {
  return { ...ordinary, ...set, message };
}
