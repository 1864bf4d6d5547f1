/** A server that ends at once when it is told to stop. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/main.ts",
  "  await server.stop(typeof reason",
  "  process.exit(0);\n  await server.stop(typeof reason",
);
