import { readFile, writeFile } from "node:fs/promises";

/** What a process holds of the machine's memory, in MiB: now, and at most since `forgetPeak`. Linux only. */
export interface Memory {
  readonly nowMiB: number;
  readonly peakMiB: number;
}

/** Looks at a process. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { nowMiB: mebibytes("VmRSS"), peakMiB: mebibytes("VmHWM") };
}

/** From now on the peak is counted anew (proc(5), clear_refs). */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}
