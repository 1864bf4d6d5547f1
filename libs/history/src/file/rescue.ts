import { closeSync, fstatSync, fsyncSync, openSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { openPieceBytes, readFullySync, reasonOf, syncFolderOf, writeFullySync } from "./disk.ts";

/** Names that network filesystems give to a file which was removed while somebody has it open: they go with the descriptor. */
const passingName = /^\.(?:nfs|fuse_hidden)/;

/**
 * Keeps the lines of a history whose name leads to them no longer: as long as this process has the file open they are
 * there, and when it closes the file they may be gone. Unless the file is found under another name, they are copied
 * beside, durably, under a name with the time, or into the system's folder for temporary files where that cannot be.
 *
 * @returns a sentence on where they are, without its full stop
 */
export function rescueLines(fd: number, path: string): string {
  const { size, mode } = fstatSync(fd);
  if (size === 0) return "it had no lines";
  const moved = nameOf(fd);
  if (moved !== undefined) return `its lines are in ${moved}`;
  const name = `${basename(path)}.rescued-${new Date().toISOString().replaceAll(/[-:]/g, "")}`;
  const reasons: string[] = [];
  for (const folder of [dirname(path), tmpdir()]) {
    try {
      return `its lines are kept in ${copyTo(join(folder, name), fd, size, mode)}`;
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  return `its lines are lost, for they could not be kept: ${reasons.join("; ")}`;
}

/** The name that an open file has now, where the system tells, as Linux does. */
function nameOf(fd: number): string | undefined {
  try {
    const name = readlinkSync(`/proc/self/fd/${fd}`);
    const [own, found] = [fstatSync(fd), statSync(name)];
    return found.ino === own.ino && found.dev === own.dev && !passingName.test(basename(name)) ? name : undefined;
  } catch {
    return undefined; // It has none, or none that can be known: then a copy is made.
  }
}

function copyTo(path: string, source: number, size: number, mode: number): string {
  const fd = openSync(path, "wx", mode & 0o777);
  try {
    for (let at = 0; at < size; at += openPieceBytes) {
      writeFullySync(fd, at, readFullySync(source, at, Math.min(openPieceBytes, size - at)));
    }
    fsyncSync(fd);
    syncFolderOf(path);
    return path;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}
