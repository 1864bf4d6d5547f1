/** A server that writes and shows messages as they came, keys and all. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/server/src/auth/auth.ts", ": redactMessage(text);", ": text || redactMessage(text);");
