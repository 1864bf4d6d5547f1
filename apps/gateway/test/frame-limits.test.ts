import { expect, test } from "vitest";
import { encodeFrame, pageFrameBytesMax } from "@wirebook/protocol";
import { closedPort, openGateway, openPage } from "./gateway-fixture.ts";

test("takes a frame of 16384 bytes and closes on one byte more", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  const clock = encodeFrame({ type: "clock", at: 1 });
  page.socket.send(clock.padEnd(pageFrameBytesMax));
  await page.frame("clock");
  page.socket.send(clock.padEnd(pageFrameBytesMax + 1));
  expect(await page.closing).toMatchObject({ code: 1009 });
});

test("takes a message of 64 fragments and closes on one more", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  const send = (fragments: number): void => {
    page.socket.send(encodeFrame({ type: "clock", at: fragments }), { fin: false });
    for (let at = 2; at < fragments; at++) page.socket.send(" ", { fin: false });
    page.socket.send(" ", { fin: true });
  };
  send(64);
  await page.frame("clock");
  send(65);
  expect(await page.closing).toMatchObject({ code: 1008 });
});

test("closes on a page that sends frames faster than the rate, and says so", async () => {
  await using gateway = await openGateway(await closedPort(), {
    limits: { frameBurstMax: 5, framesPerSecondMax: 0.001 },
  });
  await using page = await openPage(gateway);
  for (let at = 1; at <= 6; at++) page.send({ type: "clock", at });
  const { code, reason } = await page.closing;
  expect(page.framesOf("clock").length).toBe(5);
  expect(page.framesOf("error")).toMatchObject([{ id: null, code: "frame-rate", hop: "page-gateway" }]);
  expect(code).toBe(1008);
  expect(reason).toMatch(/^frame-rate: /);
});

test("counts pings as frames", async () => {
  await using gateway = await openGateway(await closedPort(), {
    limits: { frameBurstMax: 3, framesPerSecondMax: 0.001 },
  });
  await using page = await openPage(gateway);
  let pongs = 0;
  page.socket.on("pong", () => (pongs += 1));
  for (let at = 1; at <= 4; at++) page.socket.ping();
  expect(await page.closing).toMatchObject({ code: 1008 });
  expect(pongs).toBe(3);
});

test("closes on a page that goes on with nonsense, after 16 errors, and says so", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  for (let at = 1; at <= 30; at++) page.socket.send("nonsense");
  const { code, reason } = await page.closing;
  expect(page.framesOf("error").length).toBe(17);
  expect(code).toBe(1008);
  expect(reason).toMatch(/^frame-invalid: /);
});

test("never closes on a user's mistakes", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  const streams = Array.from({ length: 100 }, () => page.request("two words"));
  expect((await streams.at(-1)?.ended)?.last).toMatchObject({ code: "message-invalid" });
  page.send({ type: "clock", at: 1 });
  await page.frame("clock");
});
