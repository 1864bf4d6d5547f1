/** A history whose appends are written and not synced. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/history/src/file/disk.ts", "    fdatasyncSync(fd);", "    void fdatasyncSync;");
