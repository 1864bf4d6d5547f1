import { findModules } from "../../../bench/harness/modules.ts";
import type { FaultTest } from "./fault-test.ts";

/** All fault tests by their names: `NAME.fault.ts` exports one as `faultTest`, or a family as `faultTests`, by name. */
export async function loadFaultTests(): Promise<ReadonlyMap<string, FaultTest>> {
  const all: [string, FaultTest][] = [];
  for (const [file, url] of await findModules(new URL("../", import.meta.url), ".fault.ts")) {
    const module = (await import(url.href)) as {
      readonly faultTest?: FaultTest;
      readonly faultTests?: Readonly<Record<string, FaultTest>>;
    };
    if (module.faultTest !== undefined) all.push([file, module.faultTest]);
    all.push(...Object.entries(module.faultTests ?? {}));
  }
  return new Map(all.toSorted(([one], [other]) => one.localeCompare(other)));
}
