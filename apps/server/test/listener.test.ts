import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "vitest";
import { limitsDefault } from "../src/limits.ts";
import { Listener } from "../src/net/listener.ts";
import { Peer } from "./tcp-peer.ts";

const nothing = (): void => {};

function create(accept: (socket: Socket) => void = nothing): Listener {
  return new Listener(limitsDefault, accept, nothing);
}

test("accepts every connection once", async () => {
  const ports: (number | undefined)[] = [];
  const listener = create((socket) => {
    ports.push(socket.remotePort);
    socket.on("error", nothing).resume();
  });
  await listener.open("127.0.0.1", 0);
  const peers: Peer[] = [];
  for (let at = 0; at < 50; at++) peers.push(await Peer.connect(listener.address.port));
  while (ports.length < peers.length) await new Promise((resolve) => setImmediate(resolve));
  expect(new Set(ports).size).toBe(peers.length);
  for (const peer of peers) peer.reset();
  await listener.close();
});

test("does not share a port with another program, even if that would share it", async () => {
  const listener = create();
  await listener.open("127.0.0.1", 0);
  const inUse = { cause: { code: "EADDRINUSE" } };
  await expect(create().open("127.0.0.1", listener.address.port)).rejects.toMatchObject(inUse);
  await listener.close();

  const stranger = createServer(nothing).listen({ host: "127.0.0.1", port: 0, reusePort: true });
  await once(stranger, "listening");
  await expect(create().open("127.0.0.1", (stranger.address() as AddressInfo).port)).rejects.toMatchObject(inUse);
  stranger.close();
});
