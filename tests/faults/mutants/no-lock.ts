/** A history that takes its lock and does not look whether it got it. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/history/src/file/lock.ts", "if (await lock(fd)) return fd;", "await lock(fd); return fd;");
