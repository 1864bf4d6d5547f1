import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports below those that the kernel gives to connections and to programs that ask for any (Linux: from 32,768), so that
 * no other program takes one by chance before the program listens, or while it is restarted. Each process has its own part.
 */
const lowest = 12_000;
const partPorts = 100;
const parts = 200;
let next = 0;

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < partPorts; attempt++) {
    const port = lowest + (process.pid % parts) * partPorts + (next++ % partPorts);
    if (await isFree(port)) return port;
  }
  throw new Error(`all ${partPorts} ports of this process are taken`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (!isListening) return false;
  server.close();
  await once(server, "close");
  return true;
}
