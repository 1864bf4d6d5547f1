/** Lines that have columns: of Wirebook's history, or separated by tabs or commas. */

import { decodeEntry } from "@wirebook/protocol";
import { linesOf } from "./line-bytes.ts";

const columnsMin = 2;
const columnsMax = 40;
const linesMin = 2;

/** Characters of a text by which it is told whether it has columns. */
const sampleCharacters = 4096;

/** The cells of each line; `undefined` when the first lines have no columns. */
export function tableOf(text: string): readonly (readonly string[])[] | undefined {
  // The last line of the sample may be cut.
  const sample = linesOf(text.slice(0, sampleCharacters)).slice(0, -1);
  const split = [splitEntry, splitAtTabs, splitAtCommas].find((each) => areColumns(sample.map(each)));
  return split && linesOf(text.replace(/\r?\n$/u, "")).map(split);
}

function areColumns(lines: readonly (readonly string[])[]): boolean {
  const columns = lines[0]?.length ?? 0;
  const isWithin = columns >= columnsMin && columns <= columnsMax;
  return isWithin && lines.length >= linesMin && lines.every((cells) => cells.length === columns);
}

/** Time, address, and what was said or done [H-1]. */
function splitEntry(line: string): readonly string[] {
  const entry = decodeEntry(line);
  if (entry.kind === "external") return [line];
  const { time, address } = entry;
  const rest = entry.kind === "request" ? entry.message : line.slice(time.length + address.length + 2);
  return [time, address, rest];
}

function splitAtTabs(line: string): readonly string[] {
  return line.split("\t");
}

/** Quotes around a cell may hold commas (RFC 4180). */
function splitAtCommas(line: string): readonly string[] {
  return Array.from(`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/gu), ([, quoted, bare = ""]) =>
    quoted === undefined ? bare : quoted.replaceAll('""', '"'),
  );
}
