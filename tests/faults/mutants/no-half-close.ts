/** An exchange that closes its connection where it should only end its own direction. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/net/src/exchange.ts", 'this.#step("ended")', "this.cancel()");
