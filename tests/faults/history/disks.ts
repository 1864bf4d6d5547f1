/**
 * Disks that fail in ways that a test chooses. They need root on Linux and the right to mount.
 *
 * `PowerDisk` is ext4 on a loop device. The ioctl `EXT4_IOC_SHUTDOWN` with the flag NOLOGFLUSH makes the file system refuse
 * everything from then on and write nothing more, neither data nor journal. The next mount finds what had reached the
 * device by then. `SmallDisk` is a tmpfs, whose size can change while it is mounted.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const sizeMiBDefault = 32;
const cutScript =
  "import array, fcntl, os, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, array.array('I', [2]))";
/** Bytes by which the size of a `SmallDisk` is counted. */
export const pageBytes = 4096;

/** Programs and rights that they need. */
export const powerDiskNeeds: readonly string[] = [
  "root",
  "loop device",
  "python3",
  "mkfs.ext4",
  "mount",
  "umount",
  "sync",
];

/** A mounted disk whose power can be cut. */
export class PowerDisk implements Disposable {
  readonly path: string;
  readonly #folder: string;
  #image: string;
  #cuts = 0;

  /** Makes it in a folder. */
  constructor(folder: string, sizeMiB: number = sizeMiBDefault) {
    this.path = join(folder, "disk");
    this.#folder = folder;
    this.#image = join(folder, "disk-0.img");
    mkdirSync(this.path);
    run("truncate", "-s", `${sizeMiB}M`, this.#image);
    run("mkfs.ext4", "-q", this.#image);
    this.#mount();
  }

  /** Brings what is on it now to the device, as a trial needs it at its start. */
  sync(): void {
    run("sync", "-f", this.path);
  }

  /** Cuts the power: every use of its files fails from now on. */
  cut(): void {
    run("python3", "-c", cutScript, this.path);
  }

  /**
   * Brings it back after a cut, as a copy of what had reached the device by then: the old file system may linger, for
   * instance in the mount namespace of another program, and would be mounted again as it is.
   */
  bringBack(): void {
    const left = this.#image;
    this.#image = join(this.#folder, `disk-${++this.#cuts}.img`);
    copyFileSync(left, this.#image);
    run("umount", "-l", this.path);
    rmSync(left);
    this.#mount();
  }

  [Symbol.dispose](): void {
    run("umount", "-l", this.path);
  }

  #mount(): void {
    run("mount", "-o", "loop", this.#image, this.path);
  }
}

export const smallDiskNeeds: readonly string[] = ["root", "mount", "umount", "right to mount"];

/** A mounted disk that fills up and grows. */
export class SmallDisk implements Disposable {
  readonly path: string;

  constructor(folder: string, pages: number) {
    this.path = join(folder, "disk");
    mkdirSync(this.path, { recursive: true });
    run("mount", "-t", "tmpfs", "-o", `size=${pages * pageBytes}`, "wirebook-fault-test", this.path);
  }

  resize(pages: number): void {
    run("mount", "-o", `remount,size=${pages * pageBytes}`, this.path);
  }

  [Symbol.dispose](): void {
    run("umount", "-l", this.path);
  }
}

function run(command: string, ...words: readonly string[]): void {
  execFileSync(command, words, { stdio: ["ignore", "ignore", "inherit"] });
}
