/** A history that puts messages between quotation marks and leaves them as they are. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "libs/protocol/src/text.ts",
  "return JSON.stringify(text).replace(invisible, escapeUnits);",
  'return `"${text}"`;',
);
