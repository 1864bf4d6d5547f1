import { once } from "node:events";
import { createServer, type Server } from "node:net";

/**
 * Ports below those that the kernel gives to connections and to programs that ask for any (Linux: from 32,768), so that
 * no other program takes one by chance before the program listens, or while it is restarted. Each process has a part of its
 * own, so that no other test does either.
 */
const lowest = 12_000;
const partPorts = 100;
const parts = 200;
let part: Promise<number> | undefined;
let next = 0;

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  part ??= claimPart();
  const first = await part;
  for (let attempt = 1; attempt < partPorts; attempt++) {
    const port = first + 1 + (next++ % (partPorts - 1));
    const probe = await listen(port);
    if (probe === undefined) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
  throw new Error(`all ${partPorts} ports of this process are taken`);
}

/** The first port of a part stands for it: a process has the part for as long as it listens there, which is to its end. */
async function claimPart(): Promise<number> {
  for (let at = 0; at < parts; at++) {
    const first = lowest + ((process.pid + at) % parts) * partPorts;
    const claim = await listen(first);
    claim?.unref();
    if (claim !== undefined) return first;
  }
  throw new Error(`other processes have all ${parts} parts of the ports`);
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  return isListening ? server : undefined;
}
