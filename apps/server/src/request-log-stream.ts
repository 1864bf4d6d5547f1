import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { logRetryMs } from "./limits.ts";

/**
 * A stream to the TTY or the pipe behind a descriptor that never blocks; the descriptor itself is left as it is.
 *
 * Node writes to both synchronously, so that Ctrl-S, or a pager that waits for its reader, would stop the whole server.
 * Setting the descriptor to non-blocking would change it for the shell and every other program that shares it, so the
 * same TTY or pipe is opened once more. `undefined` for anything else, and where the system does not offer that.
 */
export function openLogStream(descriptor: number): Writable | undefined {
  let own: number;
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isCharacterDevice() && !stats.isFIFO()) return undefined;
    own = openSync(`/dev/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
  return new Writable({
    write: (bytes: Buffer, _encoding, done) => writeWhole(own, bytes, done),
    destroy: (error, done) => {
      closeSync(own);
      done(error);
    },
  });
}

function writeWhole(descriptor: number, bytes: Buffer, done: (error?: Error) => void): void {
  let taken = 0;
  try {
    taken = writeSync(descriptor, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return done(error as Error);
  }
  if (taken === bytes.length) return done();
  setTimeout(() => writeWhole(descriptor, bytes.subarray(taken), done), logRetryMs);
}
