/** What `wirebook compare` is told to do. */

import { SettingsError, describeSettings, readSettings } from "@wirebook/settings";
import type { SettingsSource } from "@wirebook/settings";
import { commonOptions } from "../options.ts";

export interface CompareConfig {
  readonly isJson: boolean;
  /** Two files, each with the number of one of its streams where it was given. */
  readonly files: readonly [one: StreamFile, other: StreamFile];
}

/** A stream in a file. */
export interface StreamFile {
  readonly path: string;
  /** Counts the streams of the file, from 1. */
  readonly number: number | undefined;
}

const compareTable = { json: commonOptions.json } as const;

/** What `wirebook compare --help` prints. */
export const compareHelp = `Usage: wirebook compare [option…] FILE FILE

Compares two streams: their bytes, the reads in which they came, and the times.

  wirebook compare before.ndjson after.ndjson
  wirebook compare 'session.ndjson#2' 'session.ndjson#5'   of several streams, by number

A file is one that the page, or --export of wirebook connect and wirebook play, wrote.

Options
${describeSettings(compareTable)}
Output
  A sentence that sums it up, then each turn that differs: what was sent (>) and received (<),
  line by line, - of the first stream, + of the second. \\r, \\n, \\xNN and the like stand for bytes.
  Reads are told where they differ, times where they differ by 10 ms and a fifth of the longer one.
  --json  {"type":"comparison","isSame":…,"summary":…,"missingBytes":…}, then for each turn that differs
          {"type":"turn","one":{…}|null,"other":{…}|null,"longerMs":…,"lines":[{"isFromTarget":…,"one":…,"other":…},…]};
          bytes that are not UTF-8 are \\udc80 to \\udcff

Exit codes
  0  the same bytes, whatever the reads and the times
  1  other bytes, or some were not kept
  2  wrong use, or a file that cannot be read
`;

/**
 * Reads the command line of `wirebook compare`; `undefined` when it asks for help.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readCompareConfig(source: SettingsSource): CompareConfig | undefined {
  const { settings, words, isHelp } = readSettings(compareTable, source);
  if (isHelp) return undefined;
  const [one, other, ...rest] = words.slice(1).map(readFileWord);
  if (one === undefined || other === undefined || rest.length > 0) {
    throw new SettingsError(`compare takes two files, not ${words.length - 1}; type wirebook compare FILE FILE`);
  }
  return { isJson: settings.json, files: [one, other] };
}

function readFileWord(word: string): StreamFile {
  const [, path = word, number] = /^(.+)#(\d{1,9})$/su.exec(word) ?? [];
  return { path, number: number === undefined ? undefined : Number(number) };
}
