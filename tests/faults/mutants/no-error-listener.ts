/** A server that forgot that a socket may break. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/server/src/net/connection.ts", 'socket.on("error", ignore);', "");
