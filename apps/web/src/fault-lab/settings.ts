/** The settings of the fault lab: a message, how it is written, how the connection is closed, how the reply is read. */

import { scheduleMsMax, slowReadBytesMax, slowReadMsMax } from "@wirebook/protocol";

export const lineEnds = ["lf", "crlf", "none"] as const;
export const cuts = ["whole", "bytes", "at"] as const;
export const closes = ["open", "end", "reset"] as const;
export const readings = ["fast", "slow"] as const;

export interface FaultSettings {
  /** Without its line ending. */
  readonly message: string;
  readonly lineEnd: (typeof lineEnds)[number];
  readonly delayMs: number;
  /** Written at once, one byte at a time, or in two parts. */
  readonly cut: (typeof cuts)[number];
  /** Bytes of the first of two parts. */
  readonly at: number;
  readonly gapMs: number;
  /** After the last write the connection stays open, or is closed by FIN or RST. */
  readonly close: (typeof closes)[number];
  readonly closeMs: number;
  readonly reading: (typeof readings)[number];
  /** Of a slow reader: milliseconds before the first read, bytes that one takes, milliseconds between two. */
  readonly readAfterMs: number;
  readonly readBytes: number;
  readonly readEveryMs: number;
  readonly runs: number;
}

export const numberBounds = {
  delayMs: [0, scheduleMsMax],
  at: [1, 8192],
  gapMs: [0, scheduleMsMax],
  closeMs: [0, scheduleMsMax],
  readAfterMs: [0, slowReadMsMax],
  readBytes: [1, slowReadBytesMax],
  readEveryMs: [0, slowReadMsMax],
  runs: [1, 32],
} as const satisfies Partial<Record<keyof FaultSettings, readonly [least: number, most: number]>>;

export type NumberName = keyof typeof numberBounds;

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

export function applyPreset({ set }: Preset, { message }: FaultSettings): FaultSettings {
  return { ...ordinary, ...set, message };
}

/** True when the settings are those of a preset, whatever the message. */
export function isPreset(preset: Preset, settings: FaultSettings): boolean {
  return JSON.stringify(applyPreset(preset, settings)) === JSON.stringify({ ...ordinary, ...settings });
}

/** The number that a text says, when it may be that setting. */
export function numberWithin(name: NumberName, text: string): number | undefined {
  const [least, most] = numberBounds[name];
  const value = /^\d{1,6}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}
