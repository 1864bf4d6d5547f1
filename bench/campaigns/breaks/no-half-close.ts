/** An exchange that closes its connection where it should only end its own direction. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("libs/exchange/src/exchange.ts", 'this.#step("ended")', "this.cancel()");
