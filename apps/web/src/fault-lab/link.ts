/**
 * The settings as the fragment of a link, and back.
 *
 *     #lab?message=brick+2&cut=bytes&gapMs=60
 *
 * What is as usual is left out. A key is never put in, and of what comes in only what is among the settings and within
 * its bounds is taken. A link sets the lab and sends nothing.
 */

import { redactMessage } from "@wirebook/protocol";
import { closes, cuts, lineEnds, numberBounds, ordinary, readings } from "./settings.ts";
import type { FaultSettings, NumberName } from "./settings.ts";

const prefix = "#lab";

/** Characters of a message that a link may bring. */
const messageCharactersMax = 4096;

/** True when a fragment is one of the lab's. */
export function isLabLink(fragment: string): boolean {
  return fragment === prefix || fragment.startsWith(`${prefix}?`);
}

export function encodeLink(settings: FaultSettings): string {
  const parameters = new URLSearchParams();
  const shown = { ...settings, message: redactMessage(settings.message) };
  for (const [name, value] of Object.entries(shown)) {
    if (name === "message" || value !== ordinary[name as keyof FaultSettings]) parameters.set(name, String(value));
  }
  return `${prefix}?${parameters.toString()}`;
}

export function decodeLink(fragment: string): FaultSettings {
  const parameters = new URLSearchParams(fragment.slice(prefix.length + 1));
  const one = <Value extends string>(name: keyof FaultSettings, values: readonly Value[]): Value | undefined =>
    values.find((value) => value === parameters.get(name));
  const numbers = Object.keys(numberBounds).flatMap((name) => {
    const value = numberWithin(name as NumberName, parameters.get(name) ?? "");
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...ordinary,
    message: (parameters.get("message") ?? ordinary.message).slice(0, messageCharactersMax),
    lineEnd: one("lineEnd", lineEnds) ?? ordinary.lineEnd,
    cut: one("cut", cuts) ?? ordinary.cut,
    close: one("close", closes) ?? ordinary.close,
    reading: one("reading", readings) ?? ordinary.reading,
    ...(Object.fromEntries(numbers) as Partial<FaultSettings>),
  };
}

/** The number that a text says, when it may be that setting. */
export function numberWithin(name: NumberName, text: string): number | undefined {
  const [least, most] = numberBounds[name];
  const value = /^\d{1,6}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}
