/** Servers of one connection each, for exchanges to speak to. */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { Target } from "../src/index.ts";

/** A TCP server that is closed, with its connections, when it is disposed of. */
export interface Peer extends AsyncDisposable {
  readonly target: Target;
}

/** Listens on a port of the system's choosing and hands each connection to `talk`. */
export async function openPeer(talk: (socket: Socket) => void): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    // Best effort: tests reset connections on purpose.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    talk(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    target: { host: "127.0.0.1", port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A port on which nothing listens any more. */
export async function closedPort(): Promise<Target> {
  const peer = await openPeer(() => {});
  await peer[Symbol.asyncDispose]();
  return peer.target;
}

/** Listens with a backlog of one, then stops its thread for good, so that no connection is ever accepted. */
const deafListener = `
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const server = createServer();
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** Answers every first chunk at once, whatever the test's own thread is doing: says 1 when it was read, 2 when answered. */
const promptListener = `
  const { createServer } = require("node:net");
  const { parentPort, workerData } = require("node:worker_threads");
  const touch = new Int32Array(workerData);
  const tell = (what) => {
    Atomics.store(touch, 0, what);
    Atomics.notify(touch, 0);
  };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      tell(1);
      socket.write("early", () => tell(2));
    });
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

/** A server that accepts nothing and holds as many waiting connections as it was given leave to. */
export function openDeafPeer(): Promise<Peer> {
  return openInThread(deafListener);
}

/** A server in a thread of its own that answers `early` and then says nothing more. */
export async function openPromptPeer(): Promise<Peer & { readonly touch: Int32Array }> {
  const memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const peer = await openInThread(promptListener, memory);
  return { ...peer, touch: new Int32Array(memory) };
}

async function openInThread(script: string, workerData?: SharedArrayBuffer): Promise<Peer> {
  const worker = new Worker(script, { eval: true, workerData });
  const [port] = (await once(worker, "message")) as [number];
  return {
    target: { host: "127.0.0.1", port },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
