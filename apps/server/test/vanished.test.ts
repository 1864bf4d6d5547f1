import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "vitest";
import { Connection } from "../src/connection.ts";
import { limitsDefault } from "../src/limits.ts";

test("notices a follower that sent FIN and later broke off, without a line to send", async () => {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await using _ = listener;
  await once(listener, "listening");
  const peer = connect({ port: (listener.address() as AddressInfo).port, allowHalfOpen: true });
  const [socket] = (await once(listener, "connection")) as [Socket];
  const received = Promise.withResolvers<void>();
  const connection = new Connection(socket, {
    limits: { ...limitsDefault, followLookMs: 20 },
    trustedProxies: new Set(),
    serve: () => received.resolve(),
    wakeAt() {},
    leave() {},
  });
  peer.end("brick 5\n");
  await received.promise;
  await once(socket, "end");
  connection.keepAlive();
  await connection.write(Buffer.from("Following from line 1.\n"));
  const [text] = (await once(peer, "data")) as [Buffer];
  expect(text.toString()).toBe("Following from line 1.\n");
  peer.resetAndDestroy();
  await connection.closed;
  expect(socket.destroyed).toBe(true);
});

test("does not look after a follower that has gone before its follow began", async () => {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await using _ = listener;
  await once(listener, "listening");
  const peer = connect((listener.address() as AddressInfo).port);
  const [socket] = (await once(listener, "connection")) as [Socket];
  const limits = { ...limitsDefault, followLookMs: 1 };
  const connection = new Connection(socket, { limits, trustedProxies: new Set(), serve() {}, wakeAt() {}, leave() {} });
  peer.resetAndDestroy();
  await connection.closed;
  connection.keepAlive();
  await connection.closed;
  let looks = 0;
  Object.defineProperty(socket, "readableEnded", { get: () => (looks += 1) > 0 });
  // Time for twenty looks.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(looks).toBe(0);
});
