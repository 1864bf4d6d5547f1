/** A server whose deadlines are times of day. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/net/connection.ts",
  "this.#silenceMs = performance.now() + this.#limits.messageSilenceMs;",
  "this.#silenceMs = Date.now() + this.#limits.messageSilenceMs;",
);
replaceInSource("libs/net/src/deadlines.ts", "Math.ceil(dueMs - performance.now())", "Math.ceil(dueMs - Date.now())");
replaceInSource("libs/net/src/deadlines.ts", "const nowMs = performance.now();", "const nowMs = Date.now();");
