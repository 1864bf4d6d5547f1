/**
 * A disk whose power can be cut: ext4 on a loop device. The ioctl `EXT4_IOC_SHUTDOWN` with the flag NOLOGFLUSH makes the
 * file system refuse everything from then on and write nothing more, neither data nor journal; what had reached the device
 * by then is what the next mount finds. Needs root on Linux.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const sizeMiBDefault = 32;
const cutScript =
  "import array, fcntl, os, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, array.array('I', [2]))";

/** Programs and rights that it takes. */
export const powerDiskNeeds: readonly string[] = [
  "root",
  "loop device",
  "python3",
  "mkfs.ext4",
  "mount",
  "umount",
  "sync",
];

/** A mounted disk. */
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

  /** What is on it now is on the device: what a trial begins with. */
  sync(): void {
    run("sync", "-f", this.path);
  }

  /** Cuts the power: whoever uses a file on it gets errors from now on. */
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

function run(command: string, ...words: readonly string[]): void {
  execFileSync(command, words, { stdio: ["ignore", "ignore", "inherit"] });
}
