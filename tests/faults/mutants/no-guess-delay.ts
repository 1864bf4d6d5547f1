/** A server that answers every wrong key at once. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/auth/auth-throttle.ts",
  "return Math.min(limits.guessDelayMsMax,",
  "return Math.min(0, limits.guessDelayMsMax,",
);
