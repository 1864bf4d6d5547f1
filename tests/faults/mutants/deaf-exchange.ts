/** An exchange whose socket has no listener for errors. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/net/src/exchange.ts", 'socket.on("error",', 'socket.on("no such event",');
