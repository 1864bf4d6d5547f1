/** A history that syncs once more when a sync has failed, and believes it. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "libs/history/src/file/disk.ts",
  "    fdatasyncSync(fd);",
  "    try { fdatasyncSync(fd); } catch { fdatasyncSync(fd); }",
);
