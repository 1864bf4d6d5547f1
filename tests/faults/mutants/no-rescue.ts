/** A server that lets go of a file that has no name any more. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/history/src/file/rescue.ts", "if (moved !== undefined)", "if (path !== moved)");
