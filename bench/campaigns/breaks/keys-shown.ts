/** A server that writes and shows messages as they came, keys and all. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("apps/server/src/who.ts", ": redactMessage(text);", ": text || redactMessage(text);");
