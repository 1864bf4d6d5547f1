/** A gateway that gathers fragments without a limit, as servers did before CVE-2022-39386. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/gateway/src/app.ts", "maxFragments: limits.fragmentsMax", "maxFragments: 1e9");
