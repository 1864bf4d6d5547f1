/** The files that options name: small ones that are read whole, and those into which a program writes. */

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { SettingsError } from "./settings.ts";

/**
 * Reads a file that an option names: a device or a pipe might never end, and a large file is another one.
 *
 * @param option as it stands in the sentence about a mistake, with the path
 * @throws SettingsError that ends with the advice
 */
export function readSmallFile(option: string, path: string, bytesMax: number, advice: string): Buffer {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new SettingsError(`${option} cannot be read (${problem}); ${advice}`, { cause });
  };
  try {
    // Opening a pipe would wait for its other end.
    const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return refuse("it is not a file");
      if (stats.size > bytesMax) return refuse(`${stats.size} bytes are over the limit of ${bytesMax}`);
      const bytes = Buffer.alloc(stats.size);
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    return refuse(code ?? message, error);
  }
}

/** Bytes at the head of a file from which its kind is known. */
const headBytes = 16;

/** What is written: the option that names the file, its kind as it stands before "file", and how one begins. */
export interface OutputKind {
  readonly option: string;
  readonly name: string;
  /** @param head the first 16 bytes, or fewer */
  isHead(head: Uint8Array): boolean;
}

/**
 * Opens a file to write, for the eyes of its owner. One of the same kind is replaced, and so is an empty one; a file of another
 * kind is somebody's, and named by mistake. The descriptor is the caller's to close.
 *
 * @param flags `w` empties it; `a` leaves what is there, for a file that is written at the end
 * @throws SettingsError
 */
export function openOutputFile(path: string, kind: OutputKind, flags: "w" | "a" = "w"): number {
  const { option, name } = kind;
  try {
    if (mayBeReplaced(path, kind)) return openSync(path, flags, 0o600);
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new SettingsError(`${path} cannot be written (${code}); name another file with ${option}`, { cause: error });
  }
  throw new SettingsError(`${path} exists and is no ${name} file; name another one with ${option}`);
}

function mayBeReplaced(path: string, kind: OutputKind): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFIFO() || stat.isCharacterDevice()) return true;
  return stat.isFile() && (stat.size === 0 || kind.isHead(headOf(path)));
}

function headOf(path: string): Uint8Array {
  const head = new Uint8Array(headBytes);
  const descriptor = openSync(path, "r");
  try {
    return head.subarray(0, readSync(descriptor, head));
  } finally {
    closeSync(descriptor);
  }
}
