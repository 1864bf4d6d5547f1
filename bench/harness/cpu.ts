import { readFile } from "node:fs/promises";

/** The kernel counts in hundredths of a second (proc(5), USER_HZ). */
const ticksPerSecond = 100;

/** Seconds for which a process has run, in itself and in the kernel. Linux only. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may hold anything: the state is the third field, the times are the fourteenth and fifteenth.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Seconds for which the machine's processors had nothing to do, or waited for a disk, in sum. */
export async function idleSeconds(): Promise<number> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n", 1);
  const [, , , , idle, waiting] = line.split(/\s+/);
  return (Number(idle) + Number(waiting)) / ticksPerSecond;
}
