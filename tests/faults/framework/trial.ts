import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../../test-support/random.ts";
import { mutants } from "../mutants.ts";
import type { FaultTest, Finding, NegativeControl } from "./fault-test.ts";

/** A finding, with how long it took. */
export interface Tried extends Finding {
  readonly seconds: number;
}

/** Runs a fault test, or one of its negative controls, in a folder of its own. */
export async function tryOut(
  faultTest: FaultTest,
  control: NegativeControl | undefined,
  { count, seed, progress }: { count: number; seed: number; progress: (done: number) => void },
): Promise<Tried> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-fault-test-"));
  const startedMs = performance.now();
  try {
    const finding = await faultTest.run({
      count,
      random: new Random(seed),
      folder,
      nodeArgs: control === undefined || !("mutant" in control) ? [] : ["--import", pathOf(control.mutant)],
      isControl: control !== undefined,
      progress,
    });
    return { ...finding, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is broken in a negative control. */
export function describeControl(control: NegativeControl): string {
  return "mutant" in control ? mutants[control.mutant].what : control.what;
}

function pathOf(mutant: string): string {
  return new URL(`apply-mutant.ts?${mutant}`, import.meta.url).href;
}
