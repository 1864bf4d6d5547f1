/** Servers of one connection each, for exchanges to speak to. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, ListenOptions, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { parseTarget, tcpTarget } from "../src/index.ts";
import type { Target } from "../src/index.ts";

/** A TCP server that is closed, with its connections, when it is disposed of. */
export interface Peer extends AsyncDisposable {
  readonly target: Target;
  readonly port: number;
}

/** Listens on a port of the system's choosing and hands each connection to `talk`. */
export async function openPeer(talk: (socket: Socket) => void): Promise<Peer> {
  const { server, close } = await openServer({ host: "127.0.0.1", port: 0 }, talk);
  const { port } = server.address() as AddressInfo;
  return { target: tcpTarget("peer", { host: "127.0.0.1", port }), port, [Symbol.asyncDispose]: close };
}

/** The same on a Unix socket. */
export async function openUnixPeer(talk: (socket: Socket) => void): Promise<Omit<Peer, "port">> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-unix-"));
  const path = join(folder, "socket");
  const { close } = await openServer({ path }, talk);
  return {
    target: parseTarget(`peer=unix:${path}`),
    async [Symbol.asyncDispose]() {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}

async function openServer(
  place: ListenOptions,
  talk: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    // Best effort: tests reset connections on purpose.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    talk(socket);
  });
  server.listen(place);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
  return { server, close };
}

/** A port on which nothing listens any more. */
export async function closedPort(): Promise<number> {
  const peer = await openPeer(() => {});
  await peer[Symbol.asyncDispose]();
  return peer.port;
}

/** Listens with a backlog of one, then stops its thread, so that no connection is accepted before it is woken. */
const deafListener = `
  const { createServer } = require("node:net");
  const { parentPort, workerData } = require("node:worker_threads");
  const server = createServer((socket) => {
    socket.on("error", () => {}).resume();
    Atomics.store(new Int32Array(workerData), 1, 1);
    Atomics.notify(new Int32Array(workerData), 1);
  });
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0));
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

/** A server that accepts nothing until it is woken, which is done when it has accepted a connection that waited. */
export async function openDeafPeer(): Promise<Peer & { wake(): Promise<void> }> {
  const memory = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const peer = await openInThread(deafListener, memory);
  const wake = async (): Promise<void> => {
    const touch = new Int32Array(memory);
    Atomics.store(touch, 0, 1);
    Atomics.notify(touch, 0);
    await Atomics.waitAsync(touch, 1, 0).value;
  };
  return { ...peer, wake };
}

/** A server in a thread of its own that answers `early` and then says nothing more. */
export async function openPromptPeer(): Promise<Peer & { readonly touch: Int32Array }> {
  const memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const peer = await openInThread(promptListener, memory);
  return { ...peer, touch: new Int32Array(memory) };
}

async function openInThread(script: string, workerData: SharedArrayBuffer): Promise<Peer> {
  const worker = new Worker(script, { eval: true, workerData });
  const [port] = (await once(worker, "message")) as [number];
  return {
    target: tcpTarget("peer", { host: "127.0.0.1", port }),
    port,
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
