/** A gateway that goes on reading its servers whatever waits for a page already. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/gateway/src/websocket/send-queue.ts",
  "waiting > this.#limits.highWaterBytes",
  "waiting > Infinity",
);
