/**
 * Reading and writing at positions until all of it is done.
 *
 * A full disk first gives a short count and only then an error, so no count is taken for granted. Nothing is retried.
 */

import { close, fdatasync, read, write } from "node:fs";
import { closeSync, fchmodSync, fchownSync, fdatasyncSync, fstatSync, fsyncSync, futimesSync } from "node:fs";
import { constants, openSync, readSync, rmSync, statfsSync, writeSync } from "node:fs";
import type { Stats } from "node:fs";
import { constants as systemConstants } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

/** Bytes of a file that are held at once while it is indexed or copied in one turn. */
export const pieceBytesMax = 1024 * 1024;

export const lineFeed = 0x0a;

/** Permissions of a history that did not exist. */
export const fileModeDefault = 0o644;

/**
 * How a history is opened. Appending is left to the system: what another program has just added is not overwritten, and
 * behind a file that it has just emptied no hole is made.
 */
export const historyFlags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW;

const readSome = promisify(read);
const writeSome = promisify(write);
const syncData = promisify(fdatasync);

/** Closes a descriptor without holding up the event loop: the last descriptor of a large removed file takes a while. */
export const closeFile = promisify(close);

/** Fills the bytes from the file; a file that ends before them is an error. */
export async function readInto(bytes: Uint8Array, fd: number, position: number): Promise<void> {
  const { length } = bytes;
  for (let done = 0; done < length;) {
    const { bytesRead } = await readSome(fd, bytes, done, length - done, position + done);
    if (bytesRead === 0) throw endedEarly(position + done, position + length);
    done += bytesRead;
  }
}

/** `readInto` in one turn. */
export function fillSync(bytes: Uint8Array, fd: number, position: number): void {
  const { length } = bytes;
  for (let done = 0; done < length;) {
    const bytesRead = readSync(fd, bytes, done, length - done, position + done);
    if (bytesRead === 0) throw endedEarly(position + done, position + length);
    done += bytesRead;
  }
}

/** Reads so many bytes in one turn; a file that ends before them is an error. */
export function readFullySync(fd: number, position: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  fillSync(bytes, fd, position);
  return bytes;
}

export async function writeFully(fd: number, position: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await writeSome(fd, bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

export function writeFullySync(fd: number, position: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Makes what was written durable. Whatever the reason of a failure, it does not count as `isFull`: it is final. */
export async function syncFile(fd: number): Promise<void> {
  try {
    await syncData(fd);
  } catch (error) {
    throw notSynced(error);
  }
}

/** `syncFile` in one turn. */
export function syncFileSync(fd: number): void {
  try {
    fdatasyncSync(fd);
  } catch (error) {
    throw notSynced(error);
  }
}

/** Makes the names in an open folder durable. Not fdatasync: a rename need not count as data of its folder. */
export function syncFolder(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    throw notSynced(error);
  }
}

/** `syncFolder` for the folder that a file is in. */
export function syncFolderOf(path: string): void {
  const fd = openSync(dirname(path), "r");
  try {
    syncFolder(fd);
  } finally {
    closeSync(fd);
  }
}

/** Gives an open file to a user. Best effort: only root may, and the process that runs can use the file in any case. */
export function giveTo(fd: number, { uid, gid }: Pick<Stats, "uid" | "gid">): void {
  const own = fstatSync(fd);
  if (own.uid === uid && own.gid === gid) return;
  try {
    fchownSync(fd, uid, gid);
  } catch {
    // It stays this process's own.
  }
}

/** Opens a file, with the permissions and the owner of another one. */
export function openLike(path: string, flags: number, sourceFd: number): number {
  const fd = openSync(path, flags, 0o600);
  try {
    const wanted = fstatSync(sourceFd);
    giveTo(fd, wanted);
    fchmodSync(fd, wanted.mode & 0o777);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Gives a file a time that is finer than the system's own, which is that of the kernel's last clock tick. */
export function stampFinely(fd: number): void {
  const now = (performance.timeOrigin + performance.now()) / 1000;
  try {
    futimesSync(fd, now, now);
  } catch {
    // Best effort: only the owner of a file may set its time.
  }
}

/** Blocks of a disk that this process may still take. Root may use what others may not. */
export function roomOf(path: string): number {
  const { bavail, bfree } = statfsSync(path);
  return process.getuid?.() === 0 ? bfree : bavail;
}

/**
 * Makes a new file and its name durable, with what `fill` writes into it. Whatever fails leaves no file.
 *
 * @throws what the system says: `EEXIST` when there is such a file
 */
export function createDurably(path: string, mode: number, fill: (fd: number) => void): void {
  const fd = openSync(path, "wx", mode);
  try {
    fill(fd);
    fsyncSync(fd);
    syncFolderOf(path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** True when an error says that there is no room: on the disk, in a quota, or under a limit of the file's size. */
export function isFull(error: unknown): boolean {
  if (["ENOSPC", "EFBIG"].includes(codeOf(error))) return true;
  // Node has no name for a quota.
  return error instanceof Error && "errno" in error && error.errno === -systemConstants.errno.EDQUOT;
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** Stops this thread. For what must not be interrupted, and is over in some milliseconds. */
export function pauseSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** `ENOSPC: no space left on device, write`, or whatever else the error says. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of an error, such as `EACCES`; empty when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function notSynced(error: unknown): Error {
  return new Error(`the disk did not confirm it (${reasonOf(error)})`, { cause: error });
}

function endedEarly(position: number, wanted: number): Error {
  return new Error(`the file ended at byte ${position}, before byte ${wanted}`);
}
