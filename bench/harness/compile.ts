/** The C programs of this folder's neighbours, compiled when their source has changed. Needs `cc` (Debian: gcc). */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Compiles a C program of this repository, if need be; returns where it is. */
export function compile(source: string): string {
  const program = join(root, ".wirebook", source.replace(/\.c$/, ""));
  const sourcePath = join(root, source);
  if (existsSync(program) && statSync(program).mtimeMs > newestMs(dirname(sourcePath))) return program;
  mkdirSync(dirname(program), { recursive: true });
  const { status, error } = spawnSync("cc", ["-O2", "-Wall", "-Wextra", "-o", program, sourcePath], {
    stdio: "inherit",
  });
  if (status !== 0) {
    const why = error === undefined ? `cc ended with ${status}` : error.message;
    throw new Error(`${source} cannot be compiled (${why}); on Debian: apt-get install gcc libc6-dev`);
  }
  return program;
}

/** A program includes headers of its folder, so the youngest file there decides. */
function newestMs(folder: string): number {
  return Math.max(...readdirSync(folder).map((file) => statSync(join(folder, file)).mtimeMs));
}
