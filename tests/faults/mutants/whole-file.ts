/** A history that reads its file whole to open it. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "libs/history/src/file/index-file.ts",
  "return new Uint8Array(Math.min(openPieceBytes, bytes));",
  "return new Uint8Array(Math.max(openPieceBytes, bytes));",
);
