import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countsOnly, StreamRecord } from "@wirebook/protocol";
import { describe, expect, test, vi } from "vitest";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { explain } from "../src/errors.ts";
import { parseTarget } from "../src/index.ts";
import type { Connection } from "../src/index.ts";
import { openPeer, openUnixPeer } from "./peers.ts";
import { converse, run } from "./runs.ts";

function reset(connection: Connection): void {
  expect(connection.reset()).toBe(true);
}

describe("a conversation", () => {
  test("reads what the target says first, and lives until both ends have sent FIN", async () => {
    await using peer = await openPeer((socket) => {
      socket.write("220 ready\r\n");
      socket.once("data", () => {
        socket.write("221 bye\r\n");
        socket.end();
      });
    });
    const { events, texts, record, ending } = converse(
      peer.target,
      {},
      {
        onRead: (bytes, _, connection) =>
          void (String(bytes).startsWith("220") && connection.write(Buffer.from("QUIT\r\n"))),
        onFin: (isFromTarget, _, connection) => void (isFromTarget && connection.end()),
      },
    );
    expect(await ending).toBe("fin");
    expect(texts.join("")).toBe("220 ready\r\n221 bye\r\n");
    expect(events.slice(-2)).toEqual(["fin:target", "over:fin"]);
    expect(record.at.ended).toBeGreaterThanOrEqual(Number(record.at.fin));
  });

  test("goes on writing after the target's FIN", async () => {
    const received: string[] = [];
    await using peer = await openPeer((socket) => {
      socket.end("I have said all\n");
      socket.on("data", (bytes) => received.push(String(bytes)));
    });
    const { events, connection, ending } = converse(
      peer.target,
      {},
      {
        onFin(isFromTarget, _, each) {
          if (!isFromTarget) return;
          each.write(Buffer.from("and I go on\n"));
          setImmediate(() => each.end());
        },
      },
    );
    expect(await ending).toBe("fin");
    expect(events).toEqual(["open", "read:16", "fin:target", "written:12", "over:fin"]);
    expect(connection.record.sentBytes).toBe(12);
    await vi.waitFor(() => expect(received.join("")).toBe("and I go on\n"), { timeout: 60_000 });
  });

  test("goes on reading after its own FIN, however long the target is silent", async () => {
    using clock = new HeldClock();
    const sockets: Socket[] = [];
    await using peer = await openPeer((socket) => void sockets.push(socket.resume()));
    const { connection, events, texts, ending } = converse(peer.target, {
      message: Buffer.from("last words"),
      isEnded: true,
    });
    await clock.until(() => events.includes("fin:own") && sockets.length > 0);
    clock.pass(24 * 3_600_000);
    sockets[0]?.write("still here");
    await clock.until(() => texts.length > 0);
    clock.pass(24 * 3_600_000);
    expect(connection.record.outcome).toBeUndefined();
    sockets[0]?.end();
    expect(await ending).toBe("fin");
    expect(events).toEqual(["open", "written:10", "fin:own", "read:10", "over:fin"]);
  });

  test("is not ended by hours of silence, and asks the kernel to look after the target", async () => {
    using clock = new HeldClock();
    const sockets: Socket[] = [];
    await using peer = await openPeer((socket) => void sockets.push(socket));
    const { connection, events, texts, ending } = converse(peer.target);
    await clock.until(() => events.includes("open") && sockets.length > 0);
    clock.pass(12 * 3_600_000);
    connection.pause();
    clock.pass(12 * 3_600_000);
    connection.resume();
    sockets[0]?.write("good morning");
    await clock.until(() => texts.length > 0);
    connection.cancel();
    expect(await ending).toBe("cancelled");
    expect(texts).toEqual(["good morning"]);
  });

  test("is closed when it was half-open for its time, whatever was written meanwhile", async () => {
    using clock = new HeldClock();
    await using peer = await openPeer((socket) => socket.resume().end("bye"));
    const { connection, events, ending } = converse(peer.target, { halfOpenMs: 500 });
    await clock.until(() => events.includes("fin:target"));
    clock.pass(300);
    connection.write(Buffer.from("still there?"));
    await clock.until(() => events.includes("written:12"));
    clock.pass(199);
    await clock.until(() => true);
    expect(connection.record.outcome).toBeUndefined();
    clock.pass(1);
    expect(await ending).toBe("fin");
    expect(events).toEqual(["open", "read:3", "fin:target", "written:12", "over:fin"]);
  });

  test.each(["open", "half-open"])("is reset by RST while it is %s", async (state) => {
    const seen = Promise.withResolvers<string>();
    await using peer = await openPeer((socket) => {
      socket.on("error", ({ code }: NodeJS.ErrnoException) => seen.resolve(String(code)));
      socket.on("data", () => {});
      socket.once("end", () => seen.resolve("a FIN"));
      if (state === "half-open") socket.end("bye");
      else socket.write("hello");
    });
    const { ending, record } = converse(
      peer.target,
      {},
      {
        onRead: (_, __, connection) => void (state === "open" && reset(connection)),
        onFin: (_, __, connection) => reset(connection),
      },
    );
    expect(await ending).toBe("reset");
    expect(await seen.promise).toBe("ECONNRESET");
    expect(record.outcome).toEqual({ kind: "ended", reason: "reset" });
  });

  test("with a write schedule is ended by the target's FIN", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end("enough")));
    const schedule = [
      { afterMs: 0, bytes: 1 },
      { afterMs: 600_000, bytes: 1 },
    ];
    const { events, ending } = converse(peer.target, { message: Buffer.from("ab"), schedule });
    expect(await ending).toBe("fin");
    expect(events).toEqual(["open", "written:1", "read:6", "over:fin"]);
  });
});

test("a FIN that closes the second direction is not told but is the end", async () => {
  await using peer = await openPeer((socket) => socket.resume().once("end", () => socket.end()));
  const { events, ending } = converse(peer.target, { isEnded: true });
  expect(await ending).toBe("fin");
  expect(events).toEqual(["open", "fin:own", "over:fin"]);
});

describe("a Unix socket", () => {
  test("carries exchanges and conversations, and has no endpoints", async () => {
    await using service = await openUnixPeer((socket) =>
      socket.once("data", (bytes) => socket.end(`you said ${String(bytes)}`)),
    );
    const { events, texts, record, ending } = run(service.target, { isEnded: true });
    expect(await ending).toBe("fin");
    expect(texts.join("")).toBe("you said brick 2\n");
    expect(events.slice(0, 2)).toEqual(["open", "written:8"]);
    expect([record.local, record.remote]).toEqual([undefined, undefined]);

    const talk = converse(service.target, {}, { onFin: (_, __, connection) => connection.end() });
    talk.connection.write(Buffer.from("hello"));
    expect(await talk.ending).toBe("fin");
    expect(talk.texts.join("")).toBe("you said hello");
  });

  test("has no RST: a reset is refused, and a schedule that resets is cancelled", async () => {
    await using service = await openUnixPeer((socket) => socket.write("hello"));
    const { connection, ending } = converse(
      service.target,
      {},
      { onRead: (_, __, each) => expect(each.reset()).toBe(false) },
    );
    await vi.waitFor(() => expect(connection.record.readCount).toBe(1), { timeout: 60_000 });
    expect(connection.record.outcome).toBeUndefined();
    connection.cancel();
    expect(await ending).toBe("cancelled");
    const schedule = [
      { afterMs: 0, bytes: 1 },
      { afterMs: 0, do: "reset" as const },
    ];
    expect(await converse(service.target, { message: Buffer.from("a"), schedule }).ending).toBe("cancelled");
  });

  test.each([
    ...["ENOENT", "EACCES", "EAGAIN"].map((systemCode) => [
      systemCode,
      "connect-failed",
      `cannot reach the local socket of local (${systemCode}); check the name or the address, and who may use it`,
    ]),
    [
      "ECONNREFUSED",
      "connect-refused",
      "nothing listens on the local socket of local; start the server or name another address",
    ],
  ])("that cannot be reached is named by its target and not by its path: %s", (systemCode, code, message) => {
    const error = Object.assign(new Error(`connect ${systemCode} /run/secret.sock`), { code: systemCode });
    const target = parseTarget("local=unix:/run/secret.sock");
    expect(explain(error, target, new StreamRecord(countsOnly))).toMatchObject({ code, message });
  });

  test("that is not there fails so, and one that nothing listens on any more", async () => {
    expect(await run(parseTarget("local=unix:/nowhere/at/all")).ending).toMatchObject({ code: "connect-failed" });
    const program = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    const folder = await mkdtemp(join(tmpdir(), "wirebook-unix-"));
    const path = join(folder, "socket");
    await once(spawn(process.execPath, ["--eval", program, path]), "exit");
    expect(await run(parseTarget(`local=unix:${path}`)).ending).toMatchObject({ code: "connect-refused" });
    await rm(folder, { recursive: true });
  });
});
