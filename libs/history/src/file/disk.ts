/**
 * Reading and writing at positions until all of it is done.
 *
 * A full disk first gives a short count and only then an error, so no count is taken for granted. Nothing is retried.
 */

import { close, closeSync, fchmodSync, fchownSync, fdatasync, fdatasyncSync, fstatSync, fsyncSync } from "node:fs";
import { constants, futimesSync, openSync, read, readSync, rmSync, write, writeSync } from "node:fs";
import type { Stats } from "node:fs";
import { constants as systemConstants } from "node:os";
import { dirname } from "node:path";
import { promisify } from "node:util";

/** Bytes of a file that are held at once while it is indexed or copied in one turn. */
export const pieceBytesMax = 1024 * 1024;

export const lineFeed = 0x0a;

export const fileModeDefault = 0o644;

/** How a history is opened. The system appends, behind what another program has just added or left. */
export const historyFlags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW;

const readSome = promisify(read);
const writeSome = promisify(write);
const syncData = promisify(fdatasync);

/** Closes a descriptor without holding up the event loop: the last descriptor of a large removed file takes a while. */
export const closeFile = promisify(close);

/** Fills the bytes from the file; a file that ends before them is an error. */
export async function fill(bytes: Uint8Array, fd: number, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await readSome(fd, bytes, done, bytes.length - done, position + done);
    done += someOf(bytesRead, position + done);
  }
}

export function fillSync(bytes: Uint8Array, fd: number, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += someOf(readSync(fd, bytes, done, bytes.length - done, position + done), position + done);
  }
}

function someOf(bytesRead: number, position: number): number {
  if (bytesRead === 0) throw new Error(`the file ended at byte ${position}, before the last one that was counted`);
  return bytesRead;
}

export function readFullySync(fd: number, position: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  fillSync(bytes, fd, position);
  return bytes;
}

export async function writeFully(fd: number, position: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await writeSome(fd, bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

export function writeFullySync(fd: number, position: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Makes what was written durable. Whatever the reason of a failure, it does not count as `isFull`: it is final. */
export async function syncFile(fd: number): Promise<void> {
  await syncData(fd).catch(notSynced);
}

/** `syncFile` in one turn. Names in a folder take an fsync: a rename need not count as data of its folder. */
export function syncFileSync(fd: number, sync = fdatasyncSync): void {
  try {
    sync(fd);
  } catch (error) {
    notSynced(error);
  }
}

function notSynced(error: unknown): never {
  throw new Error(`the disk did not confirm it (${reasonOf(error)})`, { cause: error });
}

/** Makes the names in the folder durable that a file is in. */
export function syncFolderOf(path: string): void {
  const fd = openSync(dirname(path), "r");
  try {
    syncFileSync(fd, fsyncSync);
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

/** Makes a new file and its name durable, with what `put` writes into it. Whatever fails leaves no file. */
export function createDurably(path: string, mode: number, put: (fd: number) => void): void {
  const fd = openSync(path, "wx", mode);
  try {
    put(fd);
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
