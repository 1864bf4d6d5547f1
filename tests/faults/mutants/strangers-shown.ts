/** A registered server that keeps the message of somebody whom it does not know. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/auth/auth.ts",
  'return this.mode === "registered" && principal === undefined',
  "return principal?.user === text",
);
