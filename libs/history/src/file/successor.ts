/**
 * The file that a history goes on in when another program, such as logrotate, has renamed the one before [H-8].
 *
 * That program may be about to create it (`create`), or leave that to the server (`nocreate`). Between its two steps the
 * name leads nowhere, or to a file that does not belong to the server yet, so both are awaited for a moment: a file that
 * the server made too early would be in the other one's way.
 */

import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { codeOf, historyFlags, isMissing, openLike, pauseSync, reasonOf, syncFolderOf } from "./disk.ts";

/** Milliseconds that another program is given to create the file; the server answers nothing meanwhile. */
const successorWaitMs = 200;

const whose = "name the server's user in create: create 0640 USER GROUP";

/** Milliseconds until the name is tried again. */
const pollMs = 2;

/**
 * Opens that file, or creates one with the permissions and the owner of the file before; its name is then durable.
 *
 * @throws what the system says
 */
export function openSuccessor(path: string, beforeFd: number): number {
  const deadline = performance.now() + successorWaitMs;
  for (;;) {
    const isLate = performance.now() > deadline;
    try {
      const fd = openOrCreate(path, beforeFd, isLate);
      if (fd !== undefined) return fd;
    } catch (error) {
      const code = codeOf(error);
      if (isLate && code === "EACCES")
        throw new Error(`${reasonOf(error)}; with logrotate, ${whose}`, { cause: error });
      if (code !== "EEXIST" && code !== "EACCES") throw error;
    }
    pauseSync(pollMs);
  }
}

function openOrCreate(path: string, beforeFd: number, mayCreate: boolean): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, historyFlags);
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (!mayCreate) return undefined;
    fd = openLike(path, historyFlags | constants.O_CREAT | constants.O_EXCL, beforeFd);
  }
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path} is no regular file now`);
    syncFolderOf(path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
