/** A server that does not count its descriptors: when they run out, Node closes new connections without a word. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/server/src/main.ts", "limitsWithin(descriptorsMax())", "limitsWithin(1_000_000)");
