/** How numbers look on the page. All of them stand in tabular figures, so their width must not jump. */

/** Made once: `toLocaleString` would make one for every number. */
const grouping = new Intl.NumberFormat("en-US");

/** `1,234` */
export function count(value: number): string {
  return grouping.format(value);
}

/** `1 byte`, `412 bytes`, `10.5 MB`; above a kilobyte in steps of 1,000, as file managers do. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} ${value === 1 ? "byte" : "bytes"}`;
  const [size, unit] = value < 1_000_000 ? [value / 1000, "kB"] : [value / 1_000_000, "MB"];
  return `${size.toFixed(size < 10 ? 2 : 1)} ${unit}`;
}

/** Milliseconds with the digits that matter: `0.42 ms`, `12.3 ms`, `1.25 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 10) return `${ms.toFixed(2)} ms`;
  if (size < 1000) return `${ms.toFixed(1)} ms`;
  if (size < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** `3 reads`, `1 read` */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** `20:31:05` in the reader's time zone. */
export function clockTime(date: Date): string {
  return date.toLocaleTimeString("en-GB", { hour12: false });
}
