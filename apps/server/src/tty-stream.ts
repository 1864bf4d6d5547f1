import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { terminalRetryMs } from "./limits.ts";

/**
 * A stream to the TTY behind a descriptor that never blocks; the descriptor itself is left as it is.
 *
 * Node writes to a TTY synchronously, so that Ctrl-S would stop the whole server. Setting the descriptor to non-blocking
 * would change it for the shell and every other program that shares it, so the same TTY is opened once more.
 * `undefined` where the system does not offer that.
 */
export function openTtyStream(descriptor: number): Writable | undefined {
  let own: number;
  try {
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
  setTimeout(() => writeWhole(descriptor, bytes.subarray(taken), done), terminalRetryMs);
}
