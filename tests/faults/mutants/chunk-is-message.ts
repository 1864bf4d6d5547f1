/** A server that takes what one read gave for the whole message. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/protocol/src/message-reader.ts", "    if (at >= 0) {", "    if (at >= -1) {");
