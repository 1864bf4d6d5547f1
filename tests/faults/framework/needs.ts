import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findDebianFile, findProgram } from "../../../scripts/debian-programs.mjs";
import { findNatsServer } from "../../../scripts/nats-server.mjs";
import { canMountOverUsr } from "../../../test-support/services/debian.ts";

/** What is no program's name, and how it is found out. */
const rights: Readonly<Record<string, () => boolean>> = {
  root: () => process.getuid?.() === 0,
  "right to mount": () => mounts("-t", "tmpfs", "wirebook-probe"),
  "loop device": () => existsSync("/dev/loop-control") && mounts("-t", "tmpfs", "wirebook-probe"),
  "right to mount over /usr": canMountOverUsr,
  novnc: () => findDebianFile("usr/share/novnc/vnc.html") !== undefined,
  "python3-websockets": () => findDebianFile("usr/lib/python3/dist-packages/websockets") !== undefined,
  // One that is too old is none, and one may have been fetched to where no search path leads.
  "nats-server": () => findNatsServer() !== undefined,
};

/** Those of the needs of a fault test that this machine does not meet: programs by their name, and rights. */
export function unmet(needs: readonly string[]): readonly string[] {
  return needs.filter((need) => !(rights[need]?.() ?? findProgram(need) !== undefined));
}

/** In a container, root need not be allowed to mount anything. */
function mounts(...words: readonly string[]): boolean {
  const folder = mkdtempSync(join(tmpdir(), "wirebook-mount-"));
  const isMounted = spawnSync("mount", [...words, folder], { stdio: "ignore" }).status === 0;
  if (isMounted) spawnSync("umount", [folder], { stdio: "ignore" });
  rmdirSync(folder);
  return isMounted;
}
