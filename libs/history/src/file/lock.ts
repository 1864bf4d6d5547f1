/**
 * An exclusive flock(2) lock on a file, which the kernel gives to one open file only and takes back when its process
 * ends, in whatever way.
 *
 * Node has no flock. BSD and macOS take the lock while opening (O_EXLOCK). On Linux it belongs to what open(2)
 * returned, which a child process inherits: the program `flock` (util-linux, busybox) locks our open file and exits, and
 * the lock stays with us.
 */

import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { platform } from "node:os";

/** O_EXLOCK of BSD's and macOS's fcntl.h, which Node does not name. */
const lockOnOpen = 0x20;
const hasLockOnOpen = ["darwin", "freebsd", "openbsd", "netbsd"].includes(platform());

/**
 * Opens a file, which is created when it is missing, and locks it until the descriptor is closed. `undefined` when
 * somebody else holds the lock.
 */
export async function openLocked(path: string, mode: number): Promise<number | undefined> {
  return hasLockOnOpen ? openAndLock(path, mode) : openThenLock(path, mode);
}

/** On BSD and macOS. */
function openAndLock(path: string, mode: number): number | undefined {
  const { O_CREAT, O_NONBLOCK, O_RDWR } = constants;
  try {
    return openSync(path, O_RDWR | O_CREAT | O_NONBLOCK | lockOnOpen, mode);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined;
    throw error;
  }
}

/** On Linux. */
async function openThenLock(path: string, mode: number): Promise<number | undefined> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, mode);
  try {
    if (await lock(fd)) return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/** Runs `flock` on an open file, as its descriptor 3; false when another open file holds the lock. */
function lock(fd: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn("flock", ["-x", "-n", "3"], { stdio: ["ignore", "ignore", "pipe", fd] });
    let complaint = "";
    child.stderr?.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === "ENOENT";
      reject(isMissing ? new Error("the program flock is missing; install util-linux", { cause: error }) : error);
    });
    child.on("close", (status, signal) => {
      if (status === 0) resolve(true);
      else if (status === 1 && complaint === "") resolve(false);
      else reject(new Error(complaint.trim() || `flock ended with ${status ?? signal}`));
    });
  });
}
