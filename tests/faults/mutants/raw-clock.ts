/** A history that gives each line the time that the clock shows. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "libs/history/src/file/monotonic-clock.ts",
  "Math.max(this.#clock(), this.#last + 1)",
  "Math.max(this.#clock(), 0)",
);
