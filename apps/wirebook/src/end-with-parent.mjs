/**
 * Loaded before the programs of `wirebook start` (`node --import`): ends them, as SIGTERM does, once it is gone, even when it was
 * killed, or tells them to.
 *
 * Their standard input is a pipe from it, which it or the system closes then. A program that somebody starts otherwise knows
 * nothing of this, so nohup and systemd are as they were.
 */

import { isMainThread } from "node:worker_threads";

// A thread of theirs loads this as well, and its standard input is another one.
if (isMainThread) {
  for (const event of ["end", "error"]) {
    // Not by process.kill, which on Windows leaves no time to finish.
    process.stdin.on(event, () => process.emit("SIGTERM", "SIGTERM") || process.exit(0));
  }
  process.stdin.resume().unref();
}
