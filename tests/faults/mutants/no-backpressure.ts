/** A server that writes a whole reply at once, however much of it the client has taken. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/net/connection.ts",
  "return this.#socket.write(bytes) || this.#drained();",
  "this.#socket.write(bytes); return true;",
);
