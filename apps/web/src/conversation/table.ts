/** Lines that have columns: of Wirebook's history, or separated by tabs or commas. */

import { decodeEntry } from "@wirebook/protocol";
import { linesOf } from "./line-bytes.ts";

const columnsMax = 40;
const sampleCharacters = 4096;

export function tableOf(text: string): readonly (readonly string[])[] | undefined {
  // The last line of the sample may be cut.
  const sample = linesOf(text.slice(0, sampleCharacters)).slice(0, -1);
  const split = [splitEntry, (line: string) => line.split("\t"), splitAtCommas].find((each) => {
    const counts = new Set(sample.map((line) => each(line).length));
    const [columns = 0] = counts;
    return sample.length > 1 && counts.size === 1 && columns > 1 && columns <= columnsMax;
  });
  return split && linesOf(text.replace(/\r?\n$/u, "")).map(split);
}

/** Time, address, and what was said or done [H-1]. */
function splitEntry(line: string): readonly string[] {
  const entry = decodeEntry(line);
  if (entry.kind === "external") return [line];
  const { time, address } = entry;
  return [time, address, entry.kind === "request" ? entry.message : line.slice(time.length + address.length + 2)];
}

/** Quotes around a cell may hold commas (RFC 4180). */
function splitAtCommas(line: string): readonly string[] {
  return Array.from(`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/gu), ([, quoted, bare = ""]) =>
    quoted === undefined ? bare : quoted.replaceAll('""', '"'),
  );
}
