import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { countsOnly, StreamRecord } from "@wirebook/protocol";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { explain } from "../src/errors.ts";
import { parseTarget, tcpTarget } from "../src/index.ts";
import { closedPort, openDeafPeer, openPeer, openPromptPeer } from "./peers.ts";
import { run } from "./runs.ts";

describe("an exchange fails with", () => {
  test("connect-refused where nothing listens", async () => {
    const port = await closedPort();
    const { record, events, ending } = run(tcpTarget("gone", { host: "127.0.0.1", port }));
    expect(await ending).toMatchObject({
      code: "connect-refused",
      message: `nothing listens on 127.0.0.1:${port}; start the server or name another address`,
    });
    expect(events).toEqual(["over:connect-refused"]);
    expect(record).toMatchObject({ sentBytes: 0, receivedBytes: 0, local: undefined });
  });

  test("connect-refused where no address of a name is listened on", async () => {
    const port = await closedPort();
    expect(await run(tcpTarget("gone", { host: "localhost", port })).ending).toMatchObject({ code: "connect-refused" });
  });

  test("connect-timeout where the server's backlog is full", async () => {
    await using peer = await openDeafPeer();
    // Linux queues one connection more than the backlog says, and then ignores every SYN.
    const fillers = [connect(peer.port, "127.0.0.1"), connect(peer.port, "127.0.0.1")];
    await Promise.all(fillers.map((socket) => once(socket, "connect")));
    const { events, ending } = run(peer.target, { connectTimeoutMs: 80 });
    expect(await ending).toMatchObject({
      code: "connect-timeout",
      message: expect.stringContaining("within 80 ms; check the address") as string,
    });
    expect(events).toEqual(["over:connect-timeout"]);
    // Whoever does not read waits no longer for a connection.
    const paused = run(peer.target, { connectTimeoutMs: 80 });
    paused.connection.pause();
    expect(await paused.ending).toMatchObject({ code: "connect-timeout" });
    for (const socket of fillers) socket.destroy();
  });

  test("connection-reset in the middle of a reply, after the bytes that came", async () => {
    await using peer = await openPeer((socket) => {
      socket.once("data", () => {
        socket.write("half a re");
        socket.once("data", () => socket.resetAndDestroy());
      });
    });
    const { texts, ending } = run(
      peer.target,
      {},
      { onRead: (_, __, connection) => connection.write(Buffer.from(".")) },
    );
    expect(await ending).toMatchObject({
      code: "connection-reset",
      message: expect.stringContaining("after 9 bytes of its reply (ECONNRESET)") as string,
    });
    expect(texts).toEqual(["half a re"]);
  });

  test("connection-reset where the reset comes before the connection was noticed", () => {
    const target = tcpTarget("rude", { host: "127.0.0.1", port: 1 });
    expect(explain(coded("ECONNRESET"), target, new StreamRecord(countsOnly))).toMatchObject({
      code: "connection-reset",
      message:
        "127.0.0.1:1 broke the connection after 0 bytes of its reply (ECONNRESET); try again, or look at its log",
    });
  });

  test("connection-reset where what follows a TLS handshake is no TLS", () => {
    const record = new StreamRecord(countsOnly);
    for (const step of ["established", "secured"] as const) record.mark(step, 1);
    const error = explain(coded("ERR_SSL_BAD_RECORD_TYPE"), parseTarget("mail=tls://127.0.0.1:993"), record);
    expect(error).toMatchObject({ code: "connection-reset" });
    expect(error.message).not.toContain("handshake");
  });

  test("connection-reset as well when the reset comes together with the last bytes", async () => {
    for (let attempt = 0; attempt < 20; attempt++) {
      await using peer = await openPeer((socket) => {
        socket.once("data", () => {
          socket.write("half a re");
          socket.resetAndDestroy();
        });
      });
      const { texts, ending } = run(peer.target, {});
      expect(await ending).toMatchObject({ code: "connection-reset" });
      expect(texts.join("")).toMatch(/^(half a re)?$/);
    }
  });

  test("reply-timeout on a server that falls silent", async () => {
    using clock = new HeldClock();
    await using peer = await openPeer((socket) => socket.once("data", () => socket.write("wait for it")));
    const { texts, ending } = run(peer.target, { replyTimeoutMs: 50 });
    await clock.until(() => texts.length > 0);
    clock.pass(50);
    expect(await ending).toMatchObject({
      code: "reply-timeout",
      message: expect.stringContaining("sent 11 bytes, then nothing for 50 ms, and kept the connection open") as string,
    });
    expect(texts).toEqual(["wait for it"]);
  });

  test("reply-timeout on a server that never says a word", async () => {
    await using peer = await openPeer((socket) => socket.resume());
    expect(await run(peer.target, { replyTimeoutMs: 50 }).ending).toMatchObject({
      code: "reply-timeout",
      message: expect.stringContaining("sent nothing for 50 ms") as string,
    });
  });

  test("no timeout while bytes keep coming, however long the whole takes", async () => {
    using clock = new HeldClock();
    const sockets: Socket[] = [];
    await using peer = await openPeer((socket) => void sockets.push(socket.resume()));
    const { texts, ending } = run(peer.target, { replyTimeoutMs: 150 });
    await clock.until(() => sockets.length > 0);
    for (let at = 0; at < 4; at++) {
      sockets[0]?.write(".");
      await clock.until(() => texts.length > at);
      clock.pass(149);
    }
    sockets[0]?.end();
    expect(await ending).toBe("fin");
  });

  test("nothing when the reply was there in time and only this process was held up", async () => {
    await using peer = await openPromptPeer();
    const { ending } = run(
      peer.target,
      { replyTimeoutMs: 100 },
      {
        onWritten: () => {
          Atomics.wait(peer.touch, 0, 0);
          Atomics.wait(peer.touch, 0, 1);
          block(150); // Past the timeout, with the reply in the kernel.
        },
        onRead: (_, __, connection) => connection.cancel(),
      },
    );
    expect(await ending).toBe("cancelled");
  });
});

describe("a socket's error is explained", () => {
  const target = tcpTarget("gone", { host: "::1", port: 5007 });
  const record = new StreamRecord(countsOnly);

  test.each([
    [[coded("ENETUNREACH"), coded("ECONNREFUSED")], "connect-refused"],
    [[coded("ETIMEDOUT"), coded("ETIMEDOUT")], "connect-timeout"],
    [[coded("ENETUNREACH"), coded("EADDRNOTAVAIL")], "connect-failed"],
  ])("from all addresses that were tried: %s", (errors, code) => {
    expect(explain(new AggregateError(errors), target, record)).toMatchObject({ code });
  });

  test("with an IPv6 address in brackets and the codes that the system gave", () => {
    const error = explain(new AggregateError([coded("ENETUNREACH"), coded("EACCES")]), target, record);
    expect(error.message).toBe(
      "cannot reach [::1]:5007 (ENETUNREACH, EACCES); check the name or the address, and who may use it",
    );
    expect(error.cause).toBeInstanceOf(AggregateError);
  });

  test.each(["ENOTFOUND", "EAI_AGAIN"])("as an unknown name (%s)", (code) => {
    expect(explain(coded(code), parseTarget("gone=tcp://nowhere.invalid:1"), record).message).toBe(
      `cannot reach nowhere.invalid:1 (${code}); check the name or the address, and who may use it`,
    );
  });
});

/** An error as the system gives it. */
function coded(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

/** Holds up this thread, as a blocking write to a terminal would. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
