/** A history that leaves in the file what a full disk took of a write. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/history/src/file/storage.ts", "if (isFull(error)) this.#undo(position);", "");
