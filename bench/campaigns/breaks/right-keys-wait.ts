/** A server on which right keys wait behind the wrong ones from their address. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource(
  "apps/server/src/session.ts",
  "authorize(principal, command);",
  "await context.throttle.delay(connection.address, connection.closed);\n      authorize(principal, command);",
);
