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
    cancelled.connection.cancel();
    expect(cancelled.events).toEqual(["over:cancelled"]);
    cancelled.connection.cancel();
    run(peer.target);
    await connected;
    expect(cancelled.events).toEqual(["over:cancelled"]);
    expect(cancelled.connection.record.at).not.toHaveProperty("open");
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
        onRead: (_, __, connection) => connection.cancel(),
      },
    );
    expect(await ending).toBe("cancelled");
    expect(await broken.promise).toBe("ECONNRESET");
    expect(events.slice(-2)).toEqual(["read:7", "over:cancelled"]);
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
        onRead: (_, __, connection) => {
          connection.end();
          connection.cancel();
        },
      },
    );
    expect(await ending).toBe("cancelled");
    expect(await broken).toMatch(/^(EPIPE|ECONNRESET)$/);
  });

  test("when it was ready is the last that is told", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.write("unwanted")));
    const { events, ending } = run(
      peer.target,
      {},
      {
        onOpen: (connection) => connection.cancel(),
      },
    );
    expect(await ending).toBe("cancelled");
    expect(events).toEqual(["open", "over:cancelled"]);
  });

  test("at the FIN is the one ending that is told", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end()));
    const { events, ending } = run(
      peer.target,
      { replyTimeoutMs: undefined },
      {
        onFin: (_, __, connection) => connection.cancel(),
      },
    );
    expect(await ending).toBe("cancelled");
    expect(events.filter((event) => event.startsWith("over:"))).toEqual(["over:cancelled"]);
  });
});

test("leaves nothing behind that would keep a process alive", async () => {
  await using peer = await openPeer((socket) => socket.once("data", () => socket.end("bye")));
  const script = `
    import { Connection } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
    import { countsOnly, StreamRecord } from ${JSON.stringify(import.meta.resolve("@wirebook/protocol"))};
    const tell = { onRead() {}, onOver: ({ reason, code }) => console.log(reason ?? code) };
    const options = { message: Buffer.from("brick"), connectTimeoutMs: 600_000, replyTimeoutMs: 600_000 };
    const begin = () =>
      new Connection(${JSON.stringify(peer.target)}, { ...options, record: new StreamRecord(countsOnly) }, tell).connect();
    begin();
    begin().cancel();
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect({ said, code }).toEqual({ said: "cancelled\nfin\n", code: 0 });
});
