import { expect, test } from "vitest";
import { openEcho, openGateway, openMute, openPage } from "./gateway-fixture.ts";

test("carries as many streams at once as it says, and not one more", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, { limits: { streamsMax: 3 } });
  await using page = await openPage(gateway);
  expect(await page.frame("hello")).toMatchObject({ streamsMax: 3 });
  const [first] = [page.request("brick", ["5"]), page.connect("wirebook"), page.request("brick")];
  const { last } = await page.connect("wirebook").ended;
  expect(last).toMatchObject({
    code: "too-many-streams",
    hop: "gateway",
    message: expect.stringContaining("3 streams"),
  });
  first.cancel();
  await first.ended;
  await page.request("brick", ["5"]).opened;
});

test("opens as many connections to the server as it may, and lets the rest wait their turn", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { connections: 1 } });
  await using first = await openPage(gateway);
  await using second = await openPage(gateway);
  const asked = [first, second].flatMap((page) => [1, 2, 3, 4, 5].map((user) => page.request(`user${user}`).ended));
  for (const { last } of await Promise.all(asked)) expect(last.type).toBe("end");
  expect(echo.peakCount).toBe(1);
  expect(echo.acceptedCount).toBe(10);
});

test("lets a page that reads nothing, and asks for all it can, keep no other from the server", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, { config: { connections: 8 } });
  await using greedy = await openPage(gateway);
  const streams = Array.from({ length: 100 }, (_, at) =>
    at % 2 === 0 ? greedy.request("brick", ["5"]) : greedy.connect("wirebook"),
  );
  await Promise.all(streams.slice(0, 2).map(({ opened }) => opened));
  await using other = await openPage(gateway);
  await other.request("brick", ["5"]).opened;
  expect(greedy.framesOf("open").map(({ id }) => id)).toEqual([1, 2]);
  streams[1]?.cancel();
  await streams[2]?.opened;
});

test("says busy to an exchange that has waited long enough", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, {
    config: { connections: 1 },
    limits: { queueWaitMs: 30 },
  });
  await using page = await openPage(gateway);
  page.connect("wirebook");
  const { last, open } = await page.request("brick").ended;
  expect(last).toMatchObject({ code: "busy", hop: "gateway", message: expect.stringContaining("30 ms") });
  expect(last).toMatchObject({ retryAfterMs: 1000, sentBytes: 0, receivedBytes: 0 });
  expect(last.at).toEqual({ received: expect.any(Number) });
  expect(open).toBeUndefined();
});

test("says busy at once when the queue is full, and not before", async () => {
  await using mute = await openMute();
  const limits = { queuedStreamsMax: 2 };
  await using gateway = await openGateway(mute, { config: { connections: 1 }, limits });
  await using page = await openPage(gateway);
  for (const operation of ["5", "1", "2"]) page.request("brick", [operation]);
  const { last } = await page.connect("wirebook").ended;
  expect(last).toMatchObject({ code: "busy", message: expect.stringContaining("2 streams wait") });
  expect(page.framesOf("error").length).toBe(1);
});

test("takes an exchange out of the queue that is cancelled there", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, {
    config: { connections: 1 },
    limits: { queuedStreamsMax: 1 },
  });
  await using page = await openPage(gateway);
  const [first, second] = [page.request("brick", ["5"]), page.connect("wirebook", { bytes: "x" })];
  second.cancel();
  const { last } = await second.ended;
  expect(last).toMatchObject({ type: "end", reason: "cancelled", sentBytes: 0, receivedBytes: 0 });
  const third = page.request("brick", ["5"]);
  first.cancel();
  await third.opened;
});
