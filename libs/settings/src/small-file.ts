import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { SettingsError } from "./settings-error.ts";

/**
 * Reads a file that an option names: a device or a pipe might never end, and a large file is another one.
 *
 * @param option as it stands in the sentence about a mistake, with the path
 * @param advice what to do then
 * @throws SettingsError, whose cause is what the system said
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
