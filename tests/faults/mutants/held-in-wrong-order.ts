/** A gateway that puts what a page writes while its exchange waits before what it wrote earlier. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/gateway/src/streams/stream.ts", "joinBytes(this.#held, bytes)", "joinBytes(bytes, this.#held)");
