import { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test, vi } from "vitest";
import { writeCostBytes } from "../src/connection.ts";
import { openPeer, openPromptPeer } from "./peers.ts";
import { run } from "./runs.ts";

const mebibyte = 1024 * 1024;

describe("what is written", () => {
  test("writes its message before it tells of the connection, so that the server works meanwhile", async () => {
    await using peer = await openPromptPeer();
    // Nothing else happens in this thread until the server has the message.
    const waitUntilHeard = (): string => Atomics.wait(peer.touch, 0, 0, 30_000);
    const waits: string[] = [];
    const { ending } = run(
      peer.target,
      {},
      {
        onOpen: () => void waits.push(waitUntilHeard()),
        onRead: (_, __, connection) => connection.cancel(),
      },
    );
    expect(await ending).toBe("cancelled");
    expect(waits).not.toEqual(["timed-out"]);
  });

  test("keeps the order of what is written before the connection stands", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    await using peer = await openPeer((socket) => {
      void text(socket).then(resolve);
      socket.on("end", () => socket.end());
    });
    const { connection, record, ending } = run(peer.target, {
      message: Buffer.from("one "),
      proxyHeader: Buffer.from("zero "),
    });
    connection.write(Buffer.from("two "));
    connection.write(Buffer.alloc(mebibyte, "x"));
    expect(connection.unsentBytes).toBe(8 + mebibyte);
    connection.end();
    connection.write(Buffer.from("too late"));
    expect(await promise).toBe(`zero one two ${"x".repeat(mebibyte)}`);
    expect(await ending).toBe("fin");
    expect(record.sentBytes).toBe(8 + mebibyte);
  });

  test("switches Nagle's algorithm off before its second write, which it could hold back, and not before", async () => {
    const noDelay = vi.spyOn(Socket.prototype, "setNoDelay");
    await using peer = await openPeer((socket) => {
      socket.on("data", (bytes) => (bytes.includes("end") ? socket.end() : socket.write("go on")));
    });
    const counts: number[] = [];
    const { ending } = run(
      peer.target,
      {},
      {
        onWritten: (byteCount) => void (byteCount === 8 && counts.push(noDelay.mock.calls.length)),
        onRead: (_, __, connection) => connection.write(Buffer.from("end")),
      },
    );
    expect(await ending).toBe("fin");
    expect([...counts, noDelay.mock.calls.length]).toEqual([0, 1]);
    noDelay.mockRestore();
  });

  test("sends what is written before the connection stands behind the message", async () => {
    const received = Promise.withResolvers<string>();
    await using peer = await openPeer((socket) => {
      received.resolve(text(socket));
      socket.once("end", () => socket.end());
    });
    const { connection, record, ending } = run(peer.target, { message: Buffer.from("brick") });
    connection.write(Buffer.from(" 2\n"));
    connection.end();
    await ending;
    expect(await received.promise).toBe("brick 2\n");
    expect(record.sentBytes).toBe(8);
  });

  test("sends FIN behind the message and goes on reading", async () => {
    await using peer = await openPeer((socket) => {
      socket.resume();
      socket.once("end", () => socket.end("after your FIN"));
    });
    const { texts, ending } = run(peer.target, { message: Buffer.from("brick 2"), isEnded: true });
    expect(await ending).toBe("fin");
    expect(texts).toEqual(["after your FIN"]);
  });

  test("writes nothing more once it was ended", async () => {
    await using peer = await openPeer((socket) => {
      socket.resume();
      socket.once("end", () => socket.end());
    });
    const { connection, record, ending } = run(peer.target);
    connection.end();
    connection.write(Buffer.from("too late"));
    connection.end();
    expect(await ending).toBe("fin");
    expect(record.sentBytes).toBe(8);
  });

  test("says when the kernel has taken what was written", async () => {
    await using peer = await openPeer((socket) => {
      socket.resume();
      socket.once("end", () => socket.end());
    });
    const { connection, record, ending } = run(
      peer.target,
      {},
      { onWritten: (_, __, each) => void (each.unsentBytes === 0 && each.end()) },
    );
    connection.write(Buffer.alloc(16 * mebibyte));
    expect(connection.unsentBytes).toBeGreaterThan(0);
    expect(await ending).toBe("fin");
    expect([connection.unsentBytes, connection.unsentCost]).toEqual([0, 0]);
    expect(record.sentBytes).toBe(16 * mebibyte + 8);
  });

  test("counts each write that waits, because many small ones fill the memory too", async () => {
    const opened = Promise.withResolvers<void>();
    await using peer = await openPeer((socket) => socket.pause());
    const { connection, ending } = run(peer.target, {}, { onOpen: () => opened.resolve() });
    const writeMany = (): number => {
      for (let at = 0; at < 1000; at++) connection.write(Buffer.from("x"));
      return connection.unsentCost;
    };
    expect(writeMany()).toBeGreaterThan(1000 * writeCostBytes);
    await opened.promise;
    connection.write(Buffer.alloc(32 * mebibyte));
    expect(writeMany()).toBeGreaterThan(32 * mebibyte + 1000 * writeCostBytes);
    connection.cancel();
    await ending;
  });
});
