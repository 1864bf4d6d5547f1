import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "vitest";
import { limitsDefault } from "../src/limits.ts";
import { Listeners } from "../src/net/listeners.ts";
import { Peer } from "./tcp-peer.ts";

const nothing = (): void => {};

function create(listenersMax: number): { listeners: Listeners; accepted: () => number } {
  let count = 0;
  const accept = (socket: Socket): void => {
    count += 1;
    socket.on("error", nothing).resume();
  };
  return { listeners: new Listeners({ ...limitsDefault, listenersMax }, accept, nothing), accepted: () => count };
}

test.each([1, 4])("%s of them share one port and lose no connection", async (listenersMax) => {
  const { listeners, accepted } = create(listenersMax);
  await listeners.open("127.0.0.1", 0);
  const peers = await Promise.all(Array.from({ length: 50 }, () => Peer.connect(listeners.address.port)));
  while (accepted() < 50) await new Promise((resolve) => setImmediate(resolve));
  for (const peer of peers) peer.reset();
});

test("do not share a port that was named, whether the other program shares it or not", async () => {
  const { listeners } = create(4);
  await listeners.open("127.0.0.1", 0);
  const { port } = listeners.address;
  await expect(create(4).listeners.open("127.0.0.1", port)).rejects.toMatchObject({ cause: { code: "EADDRINUSE" } });
  await expect(create(1).listeners.open("127.0.0.1", port)).rejects.toMatchObject({ cause: { code: "EADDRINUSE" } });
  await listeners.close();

  const stranger = createServer(nothing).listen({ host: "127.0.0.1", port: 0, reusePort: true });
  await once(stranger, "listening");
  const { port: taken } = stranger.address() as AddressInfo;
  await expect(create(4).listeners.open("127.0.0.1", taken)).rejects.toMatchObject({ cause: { code: "EADDRINUSE" } });
  stranger.close();
});
