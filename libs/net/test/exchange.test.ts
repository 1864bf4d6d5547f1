import { once } from "node:events";
import type { Socket } from "node:net";
import { timedChunksMax, timedWritesMax } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { openPeer } from "./peers.ts";
import { run } from "./runs.ts";

const mebibyte = 1024 * 1024;

describe("an exchange", () => {
  test("tells each step once, in order, at times that never go back", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end("hello\n")));
    const { exchange, events, ending } = run(peer.target);
    expect(await ending).toBe("fin");
    expect(events).toEqual(["established", "written", "firstByte", "chunk:6", "fin", "end:fin"]);
    const { at, chunks, sentBytes, receivedBytes } = exchange.trace;
    const times = [at.connecting, at.established, at.written, at.firstByte, chunks[0]?.[0], at.fin, at.closed];
    expect(times).toEqual(times.map(Number).toSorted((one, other) => one - other));
    expect({ sentBytes, receivedBytes, sizes: chunks.map(([, bytes]) => bytes) }).toEqual({
      sentBytes: 8,
      receivedBytes: 6,
      sizes: [6],
    });
  });

  test("knows both ends of its connection", async () => {
    let seenPort: number | undefined;
    await using peer = await openPeer((socket) => {
      seenPort = socket.remotePort;
      socket.once("data", () => socket.end());
    });
    const { exchange, ending } = run(peer.target);
    await ending;
    expect(exchange.trace.local).toEqual({ address: "127.0.0.1", port: seenPort });
    expect(exchange.trace.remote).toEqual({ address: "127.0.0.1", port: peer.target.port });
  });

  test("hands on one chunk for each read", async () => {
    const parts = ["one", "two", "three"];
    await using peer = await openPeer((socket) => {
      socket.on("data", () => {
        const part = parts.shift();
        if (part === undefined) socket.end();
        else socket.write(part);
      });
    });
    const { texts, ending } = run(
      peer.target,
      {},
      {
        onChunk: (_, exchange) => void exchange.write(Buffer.from(".")),
      },
    );
    await ending;
    expect(texts).toEqual(["one", "two", "three"]);
  });

  test("times a bounded number of chunks and of writes and counts the rest", async () => {
    let left = timedChunksMax + 6;
    await using peer = await openPeer((socket) => {
      socket.on("data", () => (left-- > 0 ? socket.write("x") : socket.end()));
    });
    const { exchange, ending } = run(
      peer.target,
      {},
      {
        onChunk: (_, each) => void each.write(Buffer.from(".")),
      },
    );
    await ending;
    expect(exchange.trace.chunks).toHaveLength(timedChunksMax);
    expect(exchange.trace.untimedChunks).toBe(6);
    expect(exchange.trace.receivedBytes).toBe(timedChunksMax + 6);
    // The message, and one answer to each chunk.
    expect(exchange.trace.writes).toHaveLength(timedWritesMax);
    expect(exchange.trace.untimedWrites).toBe(timedChunksMax + 7 - timedWritesMax);
    expect(exchange.trace.sentBytes).toBe("brick 2\n".length + timedChunksMax + 6);
  });

  test("lets go of its connection at the server's FIN, whatever was still to be written", async () => {
    const messageBytes = 64 * mebibyte;
    const { promise: accepted, resolve } = Promise.withResolvers<Socket>();
    await using peer = await openPeer((socket) => {
      resolve(socket);
      socket.pause();
      socket.end("enough\n");
    });
    const { texts, ending } = run(peer.target, { message: Buffer.alloc(messageBytes) });
    expect(await ending).toBe("fin");
    expect(texts.join("")).toBe("enough\n");
    const socket = await accepted;
    socket.resume();
    await once(socket, "close");
    expect(socket.bytesRead).toBeLessThan(messageBytes);
  });
});

describe("a pause", () => {
  test("holds the server back, and resuming brings the rest", async () => {
    const replyBytes = 64 * mebibyte;
    const serverSockets: Socket[] = [];
    await using peer = await openPeer((socket) => {
      serverSockets.push(socket);
      socket.once("data", () => socket.end(Buffer.alloc(replyBytes)));
    });
    const firstChunk = Promise.withResolvers<void>();
    const held = run(
      peer.target,
      {},
      {
        onChunk(_, exchange) {
          if (exchange.trace.chunks.length > 1) return;
          exchange.pause();
          firstChunk.resolve();
        },
      },
    );
    await firstChunk.promise;
    // While it is held, the same reply goes to somebody else from beginning to end.
    const free = run(peer.target);
    expect(await free.ending).toBe("fin");
    expect(free.exchange.trace.receivedBytes).toBe(replyBytes);
    expect(held.exchange.trace.chunks).toHaveLength(1);
    expect(serverSockets[0]?.writableLength).toBeGreaterThan(0);
    held.exchange.resume();
    expect(await held.ending).toBe("fin");
    expect(held.exchange.trace.receivedBytes).toBe(replyBytes);
  });

  test("makes the reply timeout stand still", async () => {
    using clock = new HeldClock();
    await using peer = await openPeer((socket) => socket.once("data", () => socket.write("then nothing")));
    await using silent = await openPeer(() => {});
    const replyTimeoutMs = 60;
    const firstChunk = Promise.withResolvers<void>();
    const held = run(
      peer.target,
      { replyTimeoutMs },
      {
        onChunk(_, exchange) {
          exchange.pause();
          firstChunk.resolve();
        },
      },
    );
    await firstChunk.promise;
    for (const round of [1, 2, 3]) {
      const other = run(silent.target, { replyTimeoutMs });
      await clock.until(() => other.exchange.trace.at.established !== undefined);
      clock.pass(replyTimeoutMs);
      expect(await other.ending, `round ${round}`).toMatchObject({ code: "reply-timeout" });
    }
    expect(held.exchange.trace.at.closed).toBeUndefined();
    held.exchange.resume();
    clock.pass(replyTimeoutMs);
    expect(await held.ending).toMatchObject({ code: "reply-timeout" });
  });
});
