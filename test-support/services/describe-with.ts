import process from "node:process";
import { describe, test } from "vitest";
import { unmet } from "../../tests/faults/framework/needs.ts";

/** Declares tests that need these programs and rights. Without them they are skipped, and that is said where everybody sees it. */
export function describeWith(needs: readonly string[], what: string, declare: () => void): void {
  const missing = unmet(needs);
  if (missing.length === 0) return void describe(what, declare);
  const sentence = `SKIPPED, and so not known to work here: it needs ${missing.join(", ")}`;
  process.stderr.write(`${what}: ${sentence}; \`node scripts/debian-programs.mjs\` fetches programs\n`);
  describe(what, () => test.skip(sentence, () => {}));
}
