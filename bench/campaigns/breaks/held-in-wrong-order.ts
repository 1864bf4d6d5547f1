/** A gateway that puts what a page writes while its exchange waits before what it wrote earlier. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("apps/gateway/src/relay.ts", "joinBytes(this.#held, bytes)", "joinBytes(bytes, this.#held)");
