import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { openPeer } from "./peers.ts";
import { run } from "./runs.ts";

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
