/** What Linux says of a process: memory, descriptors, time on the processors (proc(5)). */

import { readFile, readdir, readlink, writeFile } from "node:fs/promises";

type Pid = number | undefined;

/** The kernel counts in hundredths of a second (USER_HZ). */
const ticksPerSecond = 100;

/** The memory of a process in MiB: now, and at most since `resetPeak`. */
export async function memoryOf(pid: Pid): Promise<{ readonly nowMiB: number; readonly peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { nowMiB: mebibytes("VmRSS"), peakMiB: mebibytes("VmHWM") };
}

/** The memory of a process and its children in MiB. What several of them share counts once in all (`Pss`). */
export async function sharedMemoryOf(pid: Pid): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter(Boolean);
  const ofChildren = await Promise.all(children.map((child) => sharedMemoryOf(Number(child))));
  const own = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1024;
  return ofChildren.reduce((sum, one) => sum + one, own);
}

/** Counts the peak anew from now on. */
export async function resetPeak(pid: Pid): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}

/** Open descriptors of a process; 0 when it has ended. */
export async function descriptorsOf(pid: Pid): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length;
}

/** Those of its descriptors that are sockets. */
export async function socketsOf(pid: Pid): Promise<number> {
  return (await socketLinksOf(pid)).length;
}

/** IPv4 ports on which a process listens. */
export async function listeningPortsOf(pid: Pid): Promise<number[]> {
  const links = new Set(await socketLinksOf(pid));
  const lines = (await readFile(`/proc/${pid}/net/tcp`, "utf8")).trim().split("\n").slice(1);
  const sockets = lines.map((line) => line.trim().split(/\s+/));
  return sockets.flatMap(([, local = "", , state, , , , , , inode]) =>
    state === "0A" && links.has(`socket:[${inode}]`) ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [],
  );
}

async function socketLinksOf(pid: Pid): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  // One that was closed meanwhile does not count.
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return links.filter((link) => link.startsWith("socket:"));
}

/** Seconds for which a process has run, in itself and in the kernel. */
export async function cpuSecondsOf(pid: Pid): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may hold anything: the state is the third field, the times are the fourteenth and fifteenth.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Seconds for which the machine's processors were idle or waited for a disk, in sum. */
export async function idleSeconds(): Promise<number> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n", 1);
  const [, , , , idle, waiting] = line.split(/\s+/);
  return (Number(idle) + Number(waiting)) / ticksPerSecond;
}
