/** What a listening port does to its flows on purpose. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import type { FlowFaults } from "@wirebook/protocol";
import { eventsOf } from "./gateway-fixture.ts";
import { carried, errorOf, exchange, openClient, openFront, readAll, recorded, until } from "./listening-fixture.ts";
import type { Listening } from "./listening-fixture.ts";

function setFaults({ app, listenPort }: Listening, faults: FlowFaults): void {
  expect(app.listening.setFaults(listenPort, faults)).toBe(true);
}

/** How many bytes left at once, in each step of one direction. */
function writtenBytes(gateway: Listening, isFromTarget: boolean): number[] {
  const written = recorded(gateway).bytes.filter((frame) => frame.kind === "written");
  return written.filter((frame) => frame.isFromTarget === isFromTarget).map((frame) => frame.writtenBytes);
}

test.each<[name: string, faults: FlowFaults]>([
  ["latency", { latencyMs: 3 }],
  ["jitter", { latencyMs: 1, jitterMs: 5 }],
  ["slices", { sliceBytes: 1000 }],
  ["a bandwidth", { bytesPerSecond: 10_000_000 }],
  ["all of these", { latencyMs: 1, jitterMs: 2, sliceBytes: 700, bytesPerSecond: 5_000_000 }],
])("%s changes no byte and no order", async (_, faults) => {
  const sent = randomBytes(200_000);
  await using gateway = await openFront();
  setFaults(gateway, faults);
  expect((await exchange(gateway.listenPort, sent)).equals(sent)).toBe(true);
  await until(() => eventsOf(gateway, "flow").length === 1);
  const { texts, bytes } = recorded(gateway);
  expect(texts.find(({ type }) => type === "flow")).toMatchObject({ faults });
  const read = bytes.filter(({ kind }) => kind === "data");
  expect(read.every(({ isWaiting }) => isWaiting)).toBe(true);
  for (const isFromTarget of [false, true]) {
    const written = writtenBytes(gateway, isFromTarget);
    expect(written.reduce((sum, count) => sum + count, 0)).toBe(sent.length);
    const atMost = faults.sliceBytes ?? (faults.bytesPerSecond ?? Infinity) / 100;
    if (faults.latencyMs === undefined || faults.sliceBytes !== undefined) {
      expect(Math.max(...written)).toBeLessThanOrEqual(atMost);
    }
  }
});

test("latency passes between the read and the write", async () => {
  await using gateway = await openFront();
  setFaults(gateway, { latencyMs: 50 });
  await exchange(gateway.listenPort, "brick");
  const { bytes } = recorded(gateway);
  for (const isFromTarget of [false, true]) {
    const [read, written] = bytes.filter((frame) => frame.isFromTarget === isFromTarget && frame.kind !== "fin");
    expect(read?.kind).toBe("data");
    expect(Number(written?.atMs) - Number(read?.atMs)).toBeGreaterThanOrEqual(49);
  }
});

test("the client is reset after so many bytes", async () => {
  await using gateway = await openFront((socket) => void socket.write(Buffer.alloc(5000, "x")));
  setFaults(gateway, { resetAfterBytes: 1234 });
  const client = await openClient(gateway.listenPort);
  let received = 0;
  client.on("data", (bytes) => (received += bytes.length));
  expect(await errorOf(client)).toBe("ECONNRESET");
  expect(received).toBeLessThanOrEqual(1234);
  expect(writtenBytes(gateway, true)).toEqual([1234]);
  expect(eventsOf(gateway, "flow")).toMatchObject([{ outcome: "reset" }]);
});

test("both legs get FIN after so many bytes", async () => {
  await using gateway = await openFront((socket) => void socket.write(Buffer.alloc(5000, "x")));
  setFaults(gateway, { finAfterBytes: 1234 });
  const client = await openClient(gateway.listenPort);
  expect(await readAll(client)).toHaveLength(1234);
  expect(eventsOf(gateway, "flow")).toMatchObject([{ outcome: "fin" }]);
});

test("a flow that stalls goes on when the fault is taken back, and is fast again", async () => {
  await using gateway = await openFront();
  const client = await openClient(gateway.listenPort);
  client.write("before ");
  const [first] = (await once(client, "data")) as [Buffer];
  expect(first.toString()).toBe("before ");
  setFaults(gateway, { isStalled: true });
  client.end("after");
  await until(() => recorded(gateway).bytes.some(({ kind, leg }) => kind === "fin" && leg === "client"));
  expect(carried(gateway)).toEqual({ up: 12, down: 7 });
  setFaults(gateway, {});
  expect((await readAll(client)).toString()).toBe("after");
  await exchange(gateway.listenPort, "brick");
  expect(recorded(gateway).bytes.findLast(({ kind }) => kind === "data")?.isWaiting).toBe(false);
});

test("what a stalled flow may hold is bounded", async () => {
  const sent = randomBytes(32 * 1024 * 1024);
  await using gateway = await openFront();
  setFaults(gateway, { isStalled: true });
  const client = await openClient(gateway.listenPort);
  client.end(sent);
  await until(() => carried(gateway).up > 64 * 1024);
  // As much goes past the gateway, in this process, which has had all the time to read on.
  await exchange(gateway.peer.port, sent);
  expect(carried(gateway).up).toBeLessThanOrEqual(2 * 64 * 1024);
  setFaults(gateway, {});
  expect((await readAll(client)).equals(sent)).toBe(true);
});

test("there is no such port", async () => {
  await using gateway = await openFront();
  expect(gateway.app.listening.setFaults(gateway.listenPort + 1, { isStalled: true })).toBe(false);
  setFaults(gateway, { latencyMs: 7 });
  expect(gateway.app.listening.ports).toMatchObject([{ host: "127.0.0.1", target: "peer", faults: { latencyMs: 7 } }]);
});
