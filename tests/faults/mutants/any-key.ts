/** A server that takes any key of a registered name for the right one. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/server/src/auth/auth.ts", "|| !isRightKey(user, key, keyHash)", "|| keyHash === isRightKey.name");
