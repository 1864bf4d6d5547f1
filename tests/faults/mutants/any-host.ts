/** A gateway that answers to any name, so that a stranger's name may lead to it (DNS rebinding). */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/gateway/src/http/origin-policy.ts", "this.#hosts.has(host.toLowerCase())", "true");
