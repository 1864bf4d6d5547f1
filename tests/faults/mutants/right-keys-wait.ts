/** A server on which right keys wait behind the wrong ones from their address. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/request/session.ts",
  "authorize(principal, command);",
  "await context.throttle.delay(connection.address, connection.closed);\n      authorize(principal, command);",
);
