/** An exchange whose socket has no listener for errors. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("libs/exchange/src/exchange.ts", 'socket.on("error",', 'socket.on("no such event",');
