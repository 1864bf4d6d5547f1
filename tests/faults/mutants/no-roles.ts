/** A registered server on which a member may do what an admin may. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "apps/server/src/auth/auth.ts",
  'if (operation === undefined || operation.role === "member" || role === "admin") return;',
  "if (operation !== undefined || role !== undefined) return;",
);
