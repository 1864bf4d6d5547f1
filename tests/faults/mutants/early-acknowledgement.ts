/** A history that acknowledges an append before it is written: 10 ms later it is. */

import { replaceInSource } from "../framework/mutant.ts";

const append = "this.#appends.add((time) => encodeRequestEntry(time, address, message, isCut))";

replaceInSource(
  "libs/history/src/file/file-history.ts",
  `return ${append};`,
  `setTimeout(() => void ${append}.catch(() => {}), 10); return Promise.resolve({ position: 0, time: "" });`,
);
