/** A server on which right keys wait behind the wrong ones from their address. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource(
  "apps/server/src/session.ts",
  "assertMay(speaker, command);",
  "await context.guesses.hold(connection.address, connection.closed);\n      assertMay(speaker, command);",
);
