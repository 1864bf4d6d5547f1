/** Lines that have columns: of Wirebook's history, or separated by tabs or commas. */

import { decodeEntry, decodeText, plainText } from "@wirebook/protocol";
import { KeptBytes } from "../../streams/kept-bytes.ts";
import type { Stream } from "../../streams/stream.svelte.ts";

/** A line as its cells. */
type SplitLine = (line: string) => readonly string[];

/** Bytes of a reply by which it is told whether it has columns, and lines of it that must have them. */
const sampleBytes = 4096;
const linesMin = 2;
const columnsMin = 2;
const columnsMax = 40;
const columnCharactersMax = 28;

export interface Table {
  readonly split: SplitLine;
  /** Their widths, for a grid: by the first lines, and what is left for the last. */
  readonly columns: string;
}

/** How to take the lines of a reply apart; `undefined` when they have no columns. */
export function tableOf(stream: Stream, from: number): Table | undefined {
  const text = decodeText(new KeptBytes(stream.record, true).join(from, from + sampleBytes));
  // The last line of the sample may be cut.
  const lines = text.split(/\r?\n/u).slice(0, -1);
  for (const split of [splitEntry, separatedBy("\t"), separatedBy(",")]) {
    const all = lines.map(split);
    if (areColumns(all)) return { split, columns: columnsOf(all) };
  }
  return undefined;
}

function columnsOf(lines: readonly (readonly string[])[]): string {
  const all = lines[0]?.slice(0, -1) ?? [];
  const widths = all.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return [...widths.map((width) => `minmax(3ch, ${Math.min(width, columnCharactersMax)}ch)`), "minmax(12ch, 1fr)"].join(
    " ",
  );
}

/** True when a reply has columns. Conversations have none: both directions would be mixed. */
export function looksLikeTable(stream: Stream, from: number): boolean {
  return !stream.isDialogue && tableOf(stream, from) !== undefined;
}

function areColumns(lines: readonly (readonly string[])[]): boolean {
  const columns = lines[0]?.length ?? 0;
  const isWithin = columns >= columnsMin && columns <= columnsMax;
  return isWithin && lines.length >= linesMin && lines.every((cells) => cells.length === columns);
}

/** Time, address, and what was said or done [H-1]. */
function splitEntry(line: string): readonly string[] {
  const entry = decodeEntry(line);
  if (entry.kind === "external") return [];
  const { time, address } = entry;
  const rest = entry.kind === "request" ? entry.message : line.slice(time.length + address.length + 2);
  return [time, address, rest];
}

/** Quotes around a cell may hold commas (RFC 4180). */
function separatedBy(separator: "\t" | ","): SplitLine {
  if (separator === "\t") return (line) => line.split("\t");
  return (line) =>
    Array.from(`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/gu), ([, quoted, bare = ""]) =>
      quoted === undefined ? bare : quoted.replaceAll('""', '"'),
    );
}

/** A cell as it can be drawn. */
export function cellText(cell: string): string {
  return plainText(cell);
}
