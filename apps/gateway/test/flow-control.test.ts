import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { decodeByteFrame, decodeGatewayFrame, encodeFrame } from "@wirebook/protocol";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { gatewayLimits } from "../src/limits.ts";
import { closedPort, openBackend, openGateway, openPage } from "./gateway-fixture.ts";

const mebibyte = 1024 * 1024;
const piece = Buffer.from(Array.from({ length: mebibyte }, (_, at) => (at * 31) % 253));

/** Answers `mebibytes` MiB as fast as they are taken, when the line asks for them, and `small` otherwise. */
function answerBig(socket: Socket, onTaken: (bytes: number) => void): void {
  socket.once("data", (line) => {
    let left = Number(/big (\d+)/.exec(line.toString())?.[1] ?? 0);
    const write = (): void => {
      for (let isTaken = true; isTaken && left > 0; left -= 1) {
        isTaken = socket.write(piece, () => onTaken(piece.length));
        if (!isTaken) socket.once("drain", write);
      }
      if (left === 0) socket.end();
    };
    if (left === 0) socket.end("small");
    else write();
  });
}

test("keeps 100 MB that a page does not read in the server, and leaves other pages alone", async () => {
  let takenBytes = 0;
  await using backend = await openBackend((socket) => answerBig(socket, (bytes) => (takenBytes += bytes)));
  await using gateway = await openGateway(backend);
  await using slow = await openPage(gateway);
  const [slowEnd] = gateway.app.websocketServer.clients;
  await using other = await openPage(gateway);
  await slow.frame("hello");

  slow.socket.removeAllListeners("message");
  const hashes = [createHash("sha256"), createHash("sha256")];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let endedBytes = 0;
  slow.socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) {
      const decoded = decodeByteFrame(data);
      if (typeof decoded !== "string") hashes[decoded.id - 1]?.update(decoded.bytes);
      return;
    }
    const decoded = decodeGatewayFrame(data.toString());
    if ("frame" in decoded && decoded.frame.type === "end") endedBytes += decoded.frame.receivedBytes;
    if (endedBytes === 200 * mebibyte) resolve();
  });

  // The reply stalls when the kernel's buffers on both ways are full; until then the gateway is watched.
  let mostBuffered = 0;
  let asked = 0;
  const watchUntilStalled = async (): Promise<void> => {
    const beforeBytes = takenBytes;
    for (let at = 0; at < 20; at++) {
      expect((await other.ask({ type: "request", id: ++asked, user: "hello" })).text).toBe("small");
      mostBuffered = Math.max(mostBuffered, slowEnd?.bufferedAmount ?? 0);
    }
    if (takenBytes === 0 || takenBytes !== beforeBytes) await watchUntilStalled();
  };
  slow.socket.pause();
  slow.socket.send(encodeFrame({ type: "request", id: 1, user: "big", operation: 100 }));
  await watchUntilStalled();
  // One that begins while the page is held back is held back from its beginning.
  slow.socket.send(encodeFrame({ type: "request", id: 2, user: "big", operation: 100 }));
  await expect.poll(() => backend.acceptedCount).toBe(asked + 2);
  await watchUntilStalled();
  expect(takenBytes).toBeLessThan(60 * mebibyte);
  expect(mostBuffered).toBeGreaterThan(gatewayLimits.highWaterBytes);
  expect(mostBuffered).toBeLessThan(gatewayLimits.highWaterBytes + 256 * 1024);

  slow.socket.resume();
  await ended;
  const wanted = createHash("sha256");
  for (let at = 0; at < 100; at++) wanted.update(piece);
  const digest = wanted.digest("hex");
  expect(hashes.map((hash) => hash.digest("hex"))).toEqual([digest, digest]);
});

test("lets every one of many big replies go on while a page reads slowly", async () => {
  await using backend = await openBackend((socket) => answerBig(socket, () => undefined));
  await using gateway = await openGateway(backend, {
    limits: { highWaterBytes: 64 * 1024, lowWaterBytes: 16 * 1024 },
  });
  await using page = await openPage(gateway);
  const ids = Array.from({ length: 24 }, (_, at) => at + 1);
  const streams = ids.map((id) => page.start({ type: "request", id, user: "big", operation: 8 }));
  await page.frame("end");
  const shares = streams.map(({ record }) => record.receivedBytes);
  expect(Math.min(...shares)).toBeGreaterThan(mebibyte);
  const answers = await Promise.all(streams.map(({ ended }) => ended));
  for (const { last } of answers) expect(last).toMatchObject({ type: "end", receivedBytes: 8 * mebibyte });
});

test("stops the clock of the reply timeout while the page holds the server back", async () => {
  using clock = new HeldClock();
  await using backend = await openBackend((socket) => answerBig(socket, () => undefined));
  const limits = { replyTimeoutMs: 50 };
  await using gateway = await openGateway(backend, { limits });
  await using slow = await openPage(gateway);
  await using other = await openPage(gateway);
  const [slowEnd] = gateway.app.websocketServer.clients;
  slow.socket.pause();
  const stream = slow.request("big", ["64"]);
  await clock.until(() => (slowEnd?.bufferedAmount ?? 0) > gatewayLimits.highWaterBytes);
  for (let id = 1; id <= 4; id++) {
    expect((await other.ask({ type: "request", id, user: "hello" })).last.type).toBe("end");
    clock.pass(limits.replyTimeoutMs);
  }
  expect((await other.ask({ type: "request", id: 5, user: "hello" })).last.type).toBe("end");
  slow.socket.resume();
  expect((await stream.ended).last).toMatchObject({ type: "end", reason: "fin", receivedBytes: 64 * mebibyte });
});

test("leaves the frames of a page unread that reads none of the answers", async () => {
  const marks = { highWaterBytes: 16 * 1024, lowWaterBytes: 4 * 1024, overfullBytes: 64 * 1024 };
  await using gateway = await openGateway(await closedPort(), {
    limits: { ...marks, framesPerSecondMax: 1e9, frameBurstMax: 1e9 },
  });
  await using page = await openPage(gateway);
  await page.frame("hello");
  const [end] = gateway.app.websocketServer.clients;
  page.socket.pause();
  const user = `${"x".repeat(1000)} `;
  const ids = Array.from({ length: 30_000 }, (_, at) => at + 1);
  const streams = ids.map((id) => page.start({ type: "request", id, user }));
  await expect.poll(() => end?.isPaused).toBe(true);
  expect(end?.bufferedAmount).toBeLessThan(mebibyte);
  page.socket.resume();
  expect((await streams.at(-1)?.ended)?.last).toMatchObject({ code: "message-invalid" });
  expect(page.framesOf("error").length).toBe(ids.length);
  expect(end?.isPaused).toBe(false);
});
