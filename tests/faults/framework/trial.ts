import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../../bench/harness/random.ts";
import type { FaultTest, Control, Finding } from "./fault-test.ts";

/** A finding, with how long it took. */
export interface Tried extends Finding {
  readonly seconds: number;
}

/** Runs a fault test, or one of its controls, in a folder of its own. */
export async function tryOut(
  faultTest: FaultTest,
  control: Control | undefined,
  { count, seed, progress }: { count: number; seed: number; progress: (done: number) => void },
): Promise<Tried> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-fault test-"));
  const startedMs = performance.now();
  try {
    const finding = await faultTest.run({
      count,
      random: new Random(seed),
      folder,
      nodeArgs: control?.break === undefined ? [] : ["--import", breakPath(control.break)],
      control: control?.name,
      progress,
    });
    return { ...finding, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function breakPath(name: string): string {
  return new URL(`../mutants/${name}.ts`, import.meta.url).href;
}
