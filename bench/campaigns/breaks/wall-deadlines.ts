/** A server whose deadlines are times of day. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource(
  "apps/server/src/connection.ts",
  "this.#silenceMs = performance.now() + this.#limits.messageSilenceMs;",
  "this.#silenceMs = Date.now() + this.#limits.messageSilenceMs;",
);
replaceInSource(
  "libs/deadlines/src/deadlines.ts",
  "Math.ceil(dueMs - performance.now())",
  "Math.ceil(dueMs - Date.now())",
);
replaceInSource("libs/deadlines/src/deadlines.ts", "const nowMs = performance.now();", "const nowMs = Date.now();");
