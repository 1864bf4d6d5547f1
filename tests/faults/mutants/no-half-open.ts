/** A server that answers nothing to a client which sends FIN before it has its reply, as Node's default has it. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/server/src/net/listeners.ts", "allowHalfOpen: true", "allowHalfOpen: false");
