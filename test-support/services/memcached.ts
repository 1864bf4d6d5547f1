import { userInfo } from "node:os";
import type { ForeignProgram } from "../foreign-program.ts";
import { startService } from "./debian.ts";

export function startMemcached(): Promise<ForeignProgram> {
  // As root it wants to be told which user to become. -U 0: no UDP.
  const own = ["-l", "127.0.0.1", "-U", "0", "-u", userInfo().username];
  return startService("memcached", (port) => ["-p", String(port), ...own]);
}
