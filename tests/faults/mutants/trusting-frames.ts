/** A gateway that takes whatever is JSON for a frame. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "libs/protocol/src/frames.ts",
  "const result = schema.safeParse(value);",
  "const result = { success: true, data: value };",
);
