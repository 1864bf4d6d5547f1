import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { timedChunksMax, timedWritesMax } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
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

  test("sends what is written before the connection stands behind the message", async () => {
    const received = Promise.withResolvers<string>();
    await using peer = await openPeer((socket) => {
      received.resolve(text(socket));
      socket.once("end", () => socket.end());
    });
    const { exchange, ending } = run(peer.target, { message: Buffer.from("brick") });
    exchange.write(Buffer.from(" 2\n"));
    exchange.end();
    await ending;
    expect(await received.promise).toBe("brick 2\n");
    expect(exchange.trace.sentBytes).toBe(8);
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
    const { exchange, ending } = run(peer.target);
    exchange.end();
    expect(exchange.write(Buffer.from("too late"))).toBe(true);
    exchange.end();
    expect(await ending).toBe("fin");
    expect(exchange.trace.sentBytes).toBe(8);
  });

  test("says when the kernel has taken what was written", async () => {
    await using peer = await openPeer((socket) => {
      socket.resume();
      socket.once("end", () => socket.end());
    });
    const { exchange, events, ending } = run(peer.target, {}, { onDrain: (each) => each.end() });
    expect(exchange.write(Buffer.alloc(16 * mebibyte))).toBe(false);
    expect(exchange.unsentBytes).toBeGreaterThan(0);
    expect(await ending).toBe("fin");
    expect(events).toContain("drain");
    expect(exchange.unsentBytes).toBe(0);
    expect(exchange.trace.sentBytes).toBe(16 * mebibyte + 8);
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
      expect(await run(silent.target, { replyTimeoutMs }).ending, `round ${round}`).toMatchObject({
        code: "reply-timeout",
      });
    }
    expect(held.exchange.trace.at.closed).toBeUndefined();
    held.exchange.resume();
    expect(await held.ending).toMatchObject({ code: "reply-timeout" });
  });
});

describe("a cancel", () => {
  test("during the connecting ends at once and nothing follows", async () => {
    const { promise: connected, resolve } = Promise.withResolvers<Socket>();
    await using peer = await openPeer(resolve);
    const cancelled = run(peer.target);
    cancelled.exchange.cancel();
    expect(cancelled.events).toEqual(["end:cancelled"]);
    cancelled.exchange.cancel();
    run(peer.target);
    await connected;
    expect(cancelled.events).toEqual(["end:cancelled"]);
    expect(cancelled.exchange.trace.at).not.toHaveProperty("established");
  });

  test("during the reply breaks the connection off", async () => {
    const broken = Promise.withResolvers<string | undefined>();
    await using peer = await openPeer((socket) => {
      socket.once("error", ({ code }: NodeJS.ErrnoException) => broken.resolve(code));
      socket.once("end", () => broken.resolve("a FIN"));
      socket.once("data", () => socket.write("line 1\n"));
    });
    const { events, ending } = run(
      peer.target,
      { replyTimeoutMs: Infinity },
      {
        onChunk: (_, exchange) => exchange.cancel(),
      },
    );
    expect(await ending).toBe("cancelled");
    expect(await broken.promise).toBe("ECONNRESET");
    expect(events.slice(-2)).toEqual(["chunk:7", "end:cancelled"]);
  });

  test("breaks the connection off also while a FIN of this end is on its way", async () => {
    const { promise: broken, resolve } = Promise.withResolvers<string | undefined>();
    await using peer = await openPeer((socket) => {
      socket.once("data", () => socket.write("line 1\n"));
      // After a FIN nothing is read any more, so only a write finds out; an empty one sends nothing.
      const look = (): void =>
        void socket.write("", (error) => (error ? resolve((error as NodeJS.ErrnoException).code) : setImmediate(look)));
      socket.once("end", look);
    });
    const { ending } = run(
      peer.target,
      { replyTimeoutMs: Infinity },
      {
        onChunk: (_, exchange) => {
          exchange.end();
          exchange.cancel();
        },
      },
    );
    expect(await ending).toBe("cancelled");
    expect(await broken).toMatch(/^(EPIPE|ECONNRESET)$/);
  });

  test("at the first byte keeps that chunk to itself", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.write("unwanted")));
    const { events, ending } = run(
      peer.target,
      {},
      {
        onStep: (step, exchange) => void (step === "firstByte" && exchange.cancel()),
      },
    );
    expect(await ending).toBe("cancelled");
    expect(events.slice(-2)).toEqual(["firstByte", "end:cancelled"]);
  });

  test("at the FIN is the one ending that is told", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end()));
    const { events, ending } = run(
      peer.target,
      {},
      {
        onStep: (step, exchange) => void (step === "fin" && exchange.cancel()),
      },
    );
    expect(await ending).toBe("cancelled");
    expect(events.filter((event) => event.startsWith("end:"))).toEqual(["end:cancelled"]);
  });
});

test("leaves nothing behind that would keep a process alive", async () => {
  await using peer = await openPeer((socket) => socket.once("data", () => socket.end("bye")));
  const script = `
    import { Exchange } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
    const tell = { onChunk() {}, onEnd: (reason) => console.log(reason), onError: (error) => console.log(error.code) };
    const options = { message: Buffer.from("brick"), connectTimeoutMs: 600_000, replyTimeoutMs: 600_000 };
    new Exchange(${JSON.stringify(peer.target)}, options, tell);
    new Exchange(${JSON.stringify(peer.target)}, options, tell).cancel();
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect({ said, code }).toEqual({ said: "cancelled\nfin\n", code: 0 });
});
