/**
 * Loaded before the programs of `npm start` (`node --import`): ends them, as SIGTERM does, once it is gone, even when it was killed.
 *
 * Their standard input is a pipe from it, which the system closes then. A program that somebody starts otherwise knows
 * nothing of this, so nohup and systemd are as they were.
 */

for (const event of ["end", "error"]) process.stdin.on(event, () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume().unref();
