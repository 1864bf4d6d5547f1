/** A server whose deadline for a message begins anew with every byte, as `socket.setTimeout` has it. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/net/connection.ts",
  "if (!this.#receiver.push(chunk)) return;",
  'if (!this.#receiver.push(chunk)) return;\n      this.#await("message", this.#limits.messageDeadlineMs);',
);
