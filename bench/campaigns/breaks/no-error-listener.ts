/** A server that forgot that a socket may break. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("apps/server/src/connection.ts", 'socket.on("error", ignore);', "");
