import { expect, test } from "vitest";
import { encodeFrame } from "@wirebook/protocol";
import { openPage } from "./page-client.ts";
import { openBackend, openEcho, openGateway } from "./gateway-fixture.ts";

test("refuses a request that is not one line, and says which word it is", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  const frames = [
    { type: "request", id: 1, user: "brick\nbrick 3" },
    { type: "request", id: 2, user: "brick", operation: 1, arguments: ["1\r\nbrick 3"] },
    { type: "request", id: 3, user: "brick 3" },
    { type: "request", id: 4, user: "brick", arguments: [3] },
    { type: "request", id: 5, user: "x".repeat(2048), operation: 2 },
    { type: "request", id: 6, user: "\ud800" },
  ] as const;
  for (const frame of frames) {
    const { last } = await page.ask(frame as Parameters<typeof page.ask>[0]);
    expect(last).toMatchObject({ type: "error", id: frame.id, code: "message-invalid", hop: "gateway" });
  }
  expect((await page.answer(1)).last).toMatchObject({ message: expect.stringContaining(String.raw`"brick\nbrick 3"`) });
  expect((await page.answer(5)).last).toMatchObject({ message: expect.stringContaining("2048") });
  expect(echo.acceptedCount).toBe(0);
});

test("says what is wrong with a frame that fits nowhere, and goes on", async () => {
  await using backend = await openBackend((socket) => socket.resume());
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "request", id: 1, user: "brick", operation: 5 });
  await page.frame("open");
  const wrong: [frame: string | Buffer, code: string, sentence: string][] = [
    ["no JSON", "frame-invalid", "JSON object"],
    [encodeFrame({ type: "cancel", id: 0 }), "frame-invalid", "id"],
    [`{"type":"request","id":2,"user":"brick","extra":1}`, "frame-invalid", "docs/gateway-frames.md"],
    [encodeFrame({ type: "cancel", id: 99 }), "id-unknown", "unknown exchange 99"],
    [encodeFrame({ type: "end", id: 99 }), "id-unknown", "unknown exchange 99"],
    [Buffer.from([0, 0, 0, 99, 1]), "id-unknown", "unknown exchange 99"],
    [Buffer.from([0, 0, 1]), "frame-invalid", "3 bytes"],
    [encodeFrame({ type: "request", id: 1, user: "brick" }), "id-in-use", "exchange 1"],
    [Buffer.from([0, 0, 0, 1, 65]), "frame-invalid", "is a request"],
    [encodeFrame({ type: "end", id: 1 }), "frame-invalid", "is a request"],
  ];
  for (const [frame] of wrong) page.socket.send(frame);
  await page.until(() => (page.framesOf("error").length === wrong.length ? true : undefined));
  const errors = page.framesOf("error");
  expect(errors.map(({ code }) => code)).toEqual(wrong.map(([, code]) => code));
  for (const [at, [, , sentence]] of wrong.entries()) expect(errors[at]?.message).toContain(sentence);
  expect(errors.every(({ id, hop }) => id === null && hop === "page-gateway")).toBe(true);
  page.send({ type: "cancel", id: 1 });
  expect((await page.answer(1)).last).toMatchObject({ type: "end", reason: "cancelled" });
});
