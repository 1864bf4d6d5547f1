/** A registered server that keeps the message of somebody whom it does not know. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource(
  "apps/server/src/who.ts",
  'return this.mode === "registered" && principal === undefined',
  "return principal?.user === text",
);
