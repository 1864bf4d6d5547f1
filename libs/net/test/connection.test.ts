import { once } from "node:events";
import type { Socket } from "node:net";
import { countsOnly, decodeText, StreamRecord } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import type { Connection } from "../src/index.ts";
import { openPeer } from "./peers.ts";
import { run } from "./runs.ts";

const mebibyte = 1024 * 1024;

describe("an exchange", () => {
  test("tells each step once, in order, at times that never go back", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end("hello\n")));
    const { record, events, ending } = run(peer.target);
    expect(await ending).toBe("fin");
    expect(events).toEqual(["open", "written:8", "read:6", "over:fin"]);
    const { at, reads, sentBytes, receivedBytes } = record;
    const times = [at.connecting, at.established, at.written, at.firstByte, reads[0]?.atMs, at.fin, at.closed];
    expect(times).toEqual(times.map(Number).toSorted((one, other) => one - other));
    expect({ sentBytes, receivedBytes, sizes: reads.map(({ byteCount }) => byteCount) }).toEqual({
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
    const { record, ending } = run(peer.target);
    await ending;
    expect(record.local).toEqual({ address: "127.0.0.1", port: seenPort });
    expect(record.remote).toEqual({ address: "127.0.0.1", port: peer.port });
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
        onRead: (_, __, connection) => connection.write(Buffer.from(".")),
      },
    );
    await ending;
    expect(texts).toEqual(["one", "two", "three"]);
  });

  test("notes everything in its record before it tells of it", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end("hello\n")));
    const seen: string[] = [];
    const note = (what: string, { record }: Connection): void => {
      const { at, writeCount, readCount, outcome } = record;
      seen.push(`${what} ${Object.keys(at).length} ${writeCount} ${readCount} ${outcome?.kind}`);
    };
    const { record, ending } = run(
      peer.target,
      { isEnded: true },
      {
        onOpen: (each) => note("open", each),
        onWritten: (_, __, each) => note("written", each),
        onFin: (_, __, each) => note("fin", each),
        onRead: (_, __, each) => note("read", each),
        onOver: (_, each) => note("over", each),
      },
    );
    await ending;
    expect(seen).toEqual([
      "open 2 0 0 undefined",
      "written 3 1 0 undefined",
      "fin 4 1 0 undefined",
      "read 5 1 1 undefined",
      "over 7 1 1 ended",
    ]);
    const events = record.events.map(({ kind, isFromTarget, bytes }) => [kind, isFromTarget, String(bytes)]);
    expect(events).toEqual([
      ["data", false, "brick 2\n"],
      ["fin", false, "undefined"],
      ["data", true, "hello\n"],
      ["fin", true, "undefined"],
    ]);
    expect(record.outcome).toEqual({ kind: "ended", reason: "fin" });
  });

  test.each([false, true])(
    "gives bytes that stay as they are, unless they are borrowed: %s",
    async (isReadBorrowed) => {
      const parts = ["one", "two", "six"];
      const kept: Uint8Array[] = [];
      const copied: string[] = [];
      await using peer = await openPeer((socket) => {
        socket.on("data", () => (parts.length > 0 ? socket.write(String(parts.shift())) : socket.end()));
      });
      const options = { isReadBorrowed, record: new StreamRecord(countsOnly) };
      const { ending } = run(peer.target, options, {
        onRead(bytes, _, connection) {
          kept.push(bytes);
          copied.push(decodeText(bytes));
          connection.write(Buffer.from("."));
        },
      });
      await ending;
      expect(copied).toEqual(["one", "two", "six"]);
      expect(kept.map(decodeText)).toEqual(isReadBorrowed ? ["six", "six", "six"] : ["one", "two", "six"]);
    },
  );

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
        onRead(_, __, connection) {
          if (connection.record.reads.length > 1) return;
          connection.pause();
          firstChunk.resolve();
        },
      },
    );
    await firstChunk.promise;
    // While it is held, the same reply goes to somebody else from beginning to end.
    const free = run(peer.target);
    expect(await free.ending).toBe("fin");
    expect(free.record.receivedBytes).toBe(replyBytes);
    expect(held.record.reads).toHaveLength(1);
    expect(serverSockets[0]?.writableLength).toBeGreaterThan(0);
    held.connection.resume();
    expect(await held.ending).toBe("fin");
    expect(held.record.receivedBytes).toBe(replyBytes);
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
        onRead(_, __, connection) {
          connection.pause();
          firstChunk.resolve();
        },
      },
    );
    await firstChunk.promise;
    for (const round of [1, 2, 3]) {
      const other = run(silent.target, { replyTimeoutMs });
      await clock.until(() => other.record.at.established !== undefined);
      clock.pass(replyTimeoutMs);
      expect(await other.ending, `round ${round}`).toMatchObject({ code: "reply-timeout" });
    }
    expect(held.record.at.closed).toBeUndefined();
    held.connection.resume();
    clock.pass(replyTimeoutMs);
    expect(await held.ending).toMatchObject({ code: "reply-timeout" });
  });
});
