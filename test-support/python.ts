import { spawnSync } from "node:child_process";

/** The command that runs Python 3 here, if there is one. */
export function findPython(): string | undefined {
  return ["python3", "python"].find((command) => {
    const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
    return status === 0 && stdout.startsWith("Python 3.");
  });
}
