/** Checks passwords on a thread of its own: bcrypt takes as long as it is meant to, and bytes would wait for it. */

import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";

/** A password to check against the first hash; the others only take time. */
export interface PasswordJob {
  readonly password: string;
  readonly hashes: readonly string[];
}

parentPort?.on("message", ({ password, hashes }: PasswordJob) => {
  const [isRight = false] = hashes.map((hash) => compareSync(password, hash));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(isRight);
});
