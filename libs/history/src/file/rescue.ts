import { closeSync, fstatSync, fsyncSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { openPieceBytes } from "../limits.ts";
import { isMissing, readFullySync, reasonOf, syncFolderOf, writeFullySync } from "./disk.ts";

/**
 * Keeps the lines of a history whose name leads to them no longer: as long as this process has the file open they are
 * there, and when it closes the file they are gone. They are copied beside, durably, under a name with the time, or into
 * the system's folder for temporary files where the history's folder has gone as well.
 *
 * @returns a sentence on where they are, without its full stop
 */
export function rescueLines(fd: number, path: string): string {
  const { size, mode, nlink } = fstatSync(fd);
  if (size === 0) return "it had no lines";
  if (nlink > 0) return "its lines are in the file that was moved, under the name that it has now";
  const name = `${basename(path)}.rescued-${new Date().toISOString().replaceAll(/[-:]/g, "")}`;
  try {
    return `its lines are kept in ${copyTo(join(dirname(path), name), fd, size, mode)}`;
  } catch (error) {
    if (!isMissing(error)) return `its lines are lost, for they could not be kept beside it: ${reasonOf(error)}`;
    return `its lines are kept in ${copyTo(join(tmpdir(), name), fd, size, mode)}`;
  }
}

function copyTo(path: string, source: number, size: number, mode: number): string {
  const fd = openSync(path, "wx", mode & 0o777);
  try {
    for (let at = 0; at < size; at += openPieceBytes) {
      writeFullySync(fd, at, readFullySync(source, at, Math.min(openPieceBytes, size - at)));
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolderOf(path);
  return path;
}
