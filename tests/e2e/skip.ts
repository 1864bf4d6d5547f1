import process from "node:process";
import { test } from "@playwright/test";

/** Skips the test when something is missing, and says so where everybody sees it: the list of results gives no reason. */
export function skipWhen(isMissing: boolean, sentence: string): void {
  if (isMissing) process.stderr.write(`SKIPPED, and so not known to work here: "${test.info().title}": ${sentence}\n`);
  test.skip(isMissing, sentence);
}
