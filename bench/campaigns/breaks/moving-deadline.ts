/** A server whose deadline for a message begins anew with every byte, as `socket.setTimeout` has it. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource(
  "apps/server/src/connection.ts",
  "if (!this.#receiver.push(chunk)) return;",
  'if (!this.#receiver.push(chunk)) return;\n      this.#await("message", this.#limits.messageDeadlineMs);',
);
