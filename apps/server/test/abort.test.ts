/** A connection that is broken off in the very turns in which it is being ended. */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { nextTick } from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Connection } from "../src/connection.ts";
import { limitsDefault } from "../src/limits.ts";
import { Peer } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";

/** How far the ending has come by then: Node asks libuv for the FIN some steps later, and hears of it in a later turn. */
const moments: Readonly<Record<string, () => Promise<unknown>>> = {
  "at once": () => Promise.resolve(),
  "a step later": () => new Promise<void>((resolve) => nextTick(resolve)),
  "when the FIN was asked for": async () => {
    for (let step = 0; step < 10; step++) await new Promise<void>((resolve) => nextTick(resolve));
  },
  "a turn later": () => turn(),
  "when the FIN is out": async () => {
    for (let at = 0; at < 10; at++) await turn();
  },
};

test.each(Object.entries(moments))("a connection that is reset while it ends is closed: %s", async (_, moment) => {
  await using server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = Peer.connect((server.address() as AddressInfo).port, false);
  const [socket] = (await once(server, "connection")) as [Socket];
  const owner = { limits: limitsDefault, trustedProxies: new Set<string>(), serve() {}, wakeAt() {}, leave() {} };
  const connection = new Connection(socket, owner);
  // Between two polls of the kernel, as after a sync.
  await turn();
  connection.end("the reply\n");
  await moment();
  connection.reset();
  await connection.closed;
  const { socket: other } = await peer;
  const gone = once(other, "close");
  other.end();
  await gone;
  expect(await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))).toBe(0);
});

test("a stop whose time is over in the very turn of a reply comes to its end", async () => {
  await using rig = await openRig({ drainMs: 50 });
  const { history } = rig;
  const append = history.append.bind(history);
  const peer = await Peer.connect(rig.port);
  let stopped: Promise<void> | undefined;
  history.append = async (asked) => {
    const written = await append(asked);
    stopped = rig.server.stop();
    // The reply goes out behind this, and timers that are due come next, before the kernel is looked at.
    const untilMs = performance.now() + 100;
    while (performance.now() < untilMs);
    return written;
  };
  await peer.write("brick\n");
  expect((await peer.outcome).text).toBe(header);
  await stopped;
});
