/** A delete that empties the old file, and only then puts the new one in its place. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "libs/history/src/file/compaction.ts",
  "renameSync(this.#reserve.path, this.#path);",
  "ftruncateSync(openSync(this.#path, 'r+'), 0); renameSync(this.#reserve.path, this.#path);",
);
