/** A server that answers nothing to a client which sends FIN before it has its reply, as Node's default has it. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("apps/server/src/listeners.ts", "allowHalfOpen: true", "allowHalfOpen: false");
