import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { limitsDefault } from "../src/limits.ts";
import { RequestLog } from "../src/request-log.ts";
import { listen } from "../src/server.ts";
import { nameOf, openRig } from "./server-fixture.ts";
import { Peer } from "./tcp-peer.ts";

test("accepts every connection once", async () => {
  await using rig = await openRig();
  const names = Array.from({ length: 50 }, (_, at) => `brick${at}`);
  const peers: Peer[] = [];
  for (const _ of names) peers.push(await Peer.connect(rig.port));
  for (const [at, peer] of peers.entries()) await peer.write(`${names[at]}\n`);
  for (const peer of peers) expect((await peer.outcome).isReset).toBe(false);
  expect((await rig.asked()).toSorted()).toEqual(names.toSorted());
});

test("does not share a port with another program, even if that would share it", async () => {
  await using rig = await openRig();
  const inUse = { cause: { code: "EADDRINUSE" } };
  const listenOn = (port: number): Promise<unknown> =>
    listen(
      { host: "127.0.0.1", port, link: "", users: "open", iKnow: false, trustProxy: [], nameOf },
      limitsDefault,
      rig.history,
      rig.users,
      new RequestLog(new PassThrough(), false),
    );
  await expect(listenOn(rig.port)).rejects.toMatchObject(inUse);

  const stranger = createServer(() => {}).listen({ host: "127.0.0.1", port: 0, reusePort: true });
  await once(stranger, "listening");
  await expect(listenOn((stranger.address() as AddressInfo).port)).rejects.toMatchObject(inUse);
  stranger.close();
});
