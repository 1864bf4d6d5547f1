/**
 * A disk that fills up and gets room again: a tmpfs, whose size can be changed while it is mounted. Needs root on Linux
 * and the right to mount.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Bytes by which its size is counted. */
export const pageBytes = 4096;

/** Programs and rights that it takes. */
export const smallDiskNeeds: readonly string[] = ["root", "mount", "umount", "right to mount"];

/** A mounted disk. */
export class SmallDisk implements Disposable {
  readonly path: string;

  /** Makes it in a folder. */
  constructor(folder: string, pages: number) {
    this.path = join(folder, "disk");
    mkdirSync(this.path, { recursive: true });
    run("mount", "-t", "tmpfs", "-o", sizeOf(pages), "wirebook-campaign", this.path);
  }

  resize(pages: number): void {
    run("mount", "-o", `remount,${sizeOf(pages)}`, this.path);
  }

  [Symbol.dispose](): void {
    run("umount", "-l", this.path);
  }
}

function sizeOf(pages: number): string {
  return `size=${pages * pageBytes}`;
}

function run(command: string, ...words: readonly string[]): void {
  execFileSync(command, words, { stdio: ["ignore", "ignore", "inherit"] });
}
