/** How numbers look on the page. All of them stand in tabular figures, so their width must not jump. */

/** Made once: `toLocaleString` would make one for every number. */
const grouping = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return grouping.format(value);
}

/** `1 byte`, `412 bytes`, `10.5 MB`; above a kilobyte in steps of 1,000, as file managers do. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} ${value === 1 ? "byte" : "bytes"}`;
  const [size, unit] = value < 1_000_000 ? [value / 1000, "kB"] : [value / 1_000_000, "MB"];
  return `${size.toFixed(size < 10 ? 2 : 1)} ${unit}`;
}

/** Milliseconds with the digits that matter: `0.42 ms`, `12.3 ms`, `1.25 s`, `2 min 5 s`, `3 h 12 min`, `2 d 3 h`. */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 10) return `${ms.toFixed(2)} ms`;
  if (size < 1000) return `${ms.toFixed(1)} ms`;
  if (size < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 24) return `${hours} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `3 reads`, `1 read`; @param nouns the plural, where it is not made with an s */
export function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}

/** Where the reader's clock stands: the time of this machine, or the one that the history and the gateway's log have. */
export type Zone = "local" | "utc";

const parts = { day: "2-digit", month: "2-digit", year: "numeric" } as const;
const clockParts = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;

/** Formats are dear to make, so each zone's are made once. */
const formats = { local: formatsOf(undefined), utc: formatsOf("UTC") };

function formatsOf(timeZone: string | undefined) {
  const make = (options: Intl.DateTimeFormatOptions, locale = "en-GB") =>
    new Intl.DateTimeFormat(locale, timeZone === undefined ? options : { ...options, timeZone });
  return {
    clock: make(clockParts),
    clockMs: make({ ...clockParts, fractionalSecondDigits: 3 }),
    // Sweden writes the date as ISO 8601 does.
    dateTime: make({ ...parts, ...clockParts }, "sv-SE"),
    weekday: make({ weekday: "long" }),
    day: make({ day: "numeric", month: "long", year: "numeric" }),
    zone: make({ timeZoneName: "short" }),
  };
}

/** `20:31:05`; with milliseconds `20:31:05.123`. */
export function clockTime(date: Date, zone: Zone = "local", digits: 0 | 3 = 0): string {
  return formats[zone][digits === 0 ? "clock" : "clockMs"].format(date);
}

/** `2026-11-27 20:31:05 UTC` */
export function dateTime(date: Date, zone: Zone): string {
  return `${formats[zone].dateTime.format(date)} ${zoneName(zone, date)}`;
}

/** `Friday, 27 November 2026 (UTC)` */
export function dayOf(date: Date, zone: Zone): string {
  return `${formats[zone].weekday.format(date)}, ${formats[zone].day.format(date)} (${zoneName(zone, date)})`;
}

/** `UTC`, `CET`, `GMT-5`: the name changes with the season. */
export function zoneName(zone: Zone, date: Date): string {
  if (zone === "utc") return "UTC";
  return formats.local.zone.formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ?? "local";
}
