import { describe, test } from "vitest";
import { unmet } from "../../tests/faults/framework/needs.ts";

/** Declares tests that need these programs and rights. Without them they are skipped, loudly: by a name that says why. */
export function describeWith(needs: readonly string[], what: string, declare: () => void): void {
  const missing = unmet(needs);
  const sentence = `SKIPPED, and so not known to work here: there is no ${missing.join(", no ")}`;
  const skip = () => test.skip(`${sentence}; \`node scripts/debian-programs.mjs\` fetches what apt has`, () => {});
  describe(what, missing.length === 0 ? declare : skip);
}
