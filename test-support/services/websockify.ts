import type { ForeignProgram } from "../foreign-program.ts";
import { startPython } from "./debian.ts";

/** Starts Debian's websockify, which carries the bytes of a WebSocket to that port of 127.0.0.1. */
export function startWebsockify(targetPort: number): Promise<ForeignProgram> {
  return startPython("websockify", (port) => [`127.0.0.1:${port}`, `127.0.0.1:${targetPort}`]);
}
