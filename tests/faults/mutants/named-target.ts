/** A gateway that connects to whatever address the message names, as proxies do whose target is the page's to choose. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/gateway/src/streams/stream.ts",
  "const { server, limits } = this.#shared;",
  `const { limits } = this.#shared;
   const named = /(\\d+\\.\\d+\\.\\d+\\.\\d+):(\\d+)/.exec(this.request.shown);
   const server = named === null ? this.#shared.server : { host: named[1], port: Number(named[2]) };`,
);
