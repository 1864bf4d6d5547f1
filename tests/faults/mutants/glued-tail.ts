/** A history that gives every last line a line feed, torn or not. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/history/src/file/mend.ts", 'classifyTail(torn) === "whole"', 'classifyTail(torn) !== "?"');
