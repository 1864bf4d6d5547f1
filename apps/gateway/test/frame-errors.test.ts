import { expect, test } from "vitest";
import { byteFrameHeaderBytes, encodeByteFrame, encodeData, encodeFrame } from "@wirebook/protocol";
import type { ByteFrameHeader } from "@wirebook/protocol";
import type { FirstFrame } from "../../../test-support/page-client.ts";
import { openBackend, openEcho, openGateway, openPage } from "./gateway-fixture.ts";

test("refuses a request that is not one line, and says which word it is", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  await using page = await openPage(gateway);
  const frames = [
    { type: "request", id: 1, user: "brick\nbrick 3" },
    { type: "request", id: 2, user: "brick", operation: 1, arguments: ["1\r\nbrick 3"] },
    { type: "request", id: 3, user: "brick 3" },
    { type: "request", id: 4, user: "brick", arguments: [3] },
    { type: "request", id: 5, user: "x".repeat(2048), operation: 2 },
    { type: "request", id: 6, user: "\ud800" },
  ] satisfies FirstFrame[];
  for (const frame of frames) {
    const { last } = await page.ask(frame);
    expect(last).toMatchObject({ type: "error", id: frame.id, code: "message-invalid", hop: "gateway" });
  }
  const [first, , , , fifth] = page.framesOf("error");
  expect(first?.message).toContain(String.raw`"brick\nbrick 3"`);
  expect(fifth?.message).toContain("2048");
  expect(echo.acceptedCount).toBe(0);
});

test("says what is wrong with a frame that fits nowhere, and goes on", async () => {
  await using backend = await openBackend((socket) => socket.resume());
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.start({ type: "request", id: 1, user: "brick", operation: 5 });
  await stream.opened;
  const plain = {
    kind: "data",
    leg: "target",
    isFromTarget: false,
    isAfterGap: false,
    queuedKiB: 0,
    id: 1,
    atMs: 0,
  } as const;
  const encode = (header: Partial<ByteFrameHeader>) =>
    encodeByteFrame({ ...plain, ...header }, new Uint8Array(0), (length) => Buffer.alloc(length));
  const wrong: [frame: string | Uint8Array, code: string, sentence: string][] = [
    ["no JSON", "frame-invalid", "JSON object"],
    [encodeFrame({ type: "cancel", id: 0 }), "frame-invalid", "id"],
    [`{"type":"request","id":2,"user":"brick","extra":1}`, "frame-invalid", "docs/reference/gateway-frames.md"],
    [Buffer.from([0, 0, 1]), "frame-invalid", "3 bytes"],
    [Buffer.alloc(byteFrameHeaderBytes), "frame-invalid", "unknown kind 0"],
    [encode({ kind: "fin" }), "frame-invalid", "end and reset frames"],
    [encode({ isFromTarget: true }), "frame-invalid", "toward the target"],
    [encode({ leg: "client" }), "frame-invalid", "toward the target"],
    [`{"type":"connect","id":2,"target":"NO","bytes":"","end":false}`, "frame-invalid", "target"],
    [`{"type":"connect","id":2,"target":"wirebook","bytes":"?","end":false}`, "frame-invalid", "bytes"],
    [encodeFrame({ type: "request", id: 1, user: "brick" }), "id-in-use", "stream 1"],
    [encodeData(1, Buffer.from("A")), "frame-invalid", "is a request"],
    [encodeFrame({ type: "end", id: 1 }), "frame-invalid", "is a request"],
  ];
  for (const [frame] of wrong) page.socket.send(frame);
  await page.until(() => (page.framesOf("error").length === wrong.length ? true : undefined));
  const errors = page.framesOf("error");
  expect(errors.map(({ code }) => code)).toEqual(wrong.map(([, code]) => code));
  for (const [at, [, , sentence]] of wrong.entries()) expect(errors[at]?.message).toContain(sentence);
  expect(errors.every(({ id, hop }) => id === null && hop === "page-gateway")).toBe(true);
  stream.cancel();
  expect((await stream.ended).last).toMatchObject({ type: "end", reason: "cancelled" });
});
