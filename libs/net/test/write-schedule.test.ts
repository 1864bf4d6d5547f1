import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { slowReadMsMax } from "@wirebook/protocol";
import type { ScheduleStep } from "@wirebook/protocol";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { ReadThrottle } from "../src/read-throttle.ts";
import { openPeer } from "./peers.ts";
import type { Peer } from "./peers.ts";
import { run } from "./runs.ts";

const message = Buffer.from("brick 2\n");

/** A server that collects what each read gave, and answers when the client has sent FIN or a line. */
function openListener(came: string[], answersLine = true): Promise<Peer> {
  return openPeer((socket) => {
    socket.on("data", (chunk: Buffer) => {
      came.push(chunk.toString());
      if (answersLine && chunk.includes(10)) socket.end("reply");
    });
    socket.on("end", () => socket.end(`${came.join("").length} bytes`));
  });
}

describe("a schedule", () => {
  test("writes each part by itself, as late as it says", async () => {
    using clock = new HeldClock();
    const came: string[] = [];
    await using peer = await openListener(came);
    const schedule = [
      { afterMs: 30, bytes: 3 },
      { afterMs: 40, bytes: 1 },
      { afterMs: 40, bytes: 4 },
    ];
    const { record, ending } = run(peer.target, { message, schedule });
    const { at } = record;
    await clock.until(() => at.established !== undefined);
    for (const [step, { afterMs }] of schedule.entries()) {
      clock.pass(afterMs);
      await clock.until(() => record.writes.length > step && came.length > step);
    }
    expect(await ending).toBe("fin");
    expect(came).toEqual(["bri", "c", "k 2\n"]);
    expect(record.sentBytes).toBe(8);
    expect(record.writes.map(({ atMs }) => Math.round(atMs - Number(at.established)))).toEqual([30, 70, 110]);
  });

  test("gives writes without a wait between them to the kernel one by one", async () => {
    await using peer = await openListener([]);
    const schedule = Array.from(message, () => ({ afterMs: 0, bytes: 1 }));
    const { record, ending } = run(peer.target, { message, schedule });
    expect(await ending).toBe("fin");
    expect(record.sentBytes).toBe(message.length);
  });

  test("half-closes, and the reply is still read", async () => {
    using clock = new HeldClock();
    const came: string[] = [];
    await using peer = await openListener(came, false);
    const schedule: ScheduleStep[] = [
      { afterMs: 0, bytes: 8 },
      { afterMs: 20, do: "end" },
    ];
    const { record, texts, events, ending } = run(peer.target, { message, schedule });
    const { at } = record;
    await clock.until(() => at.written !== undefined);
    clock.pass(20);
    expect(await ending).toBe("fin");
    expect(texts).toEqual(["8 bytes"]);
    expect(events.slice(0, 3)).toEqual(["open", "written:8", "fin:own"]);
    expect(Math.round(Number(at.ended) - Number(at.written))).toBe(20);
  });

  test("resets, which the server sees as an error and not as an end", async () => {
    const seen = Promise.withResolvers<string>();
    await using peer = await openPeer((socket: Socket) => {
      socket.resume();
      socket.on("end", () => seen.resolve("end"));
      socket.on("error", ({ message: text }) => seen.resolve(text));
    });
    const schedule: ScheduleStep[] = [
      { afterMs: 0, bytes: 8 },
      { afterMs: 20, do: "reset" },
    ];
    const { record, events, ending } = run(peer.target, { message, schedule });
    expect(await ending).toBe("reset");
    expect(await seen.promise).toContain("ECONNRESET");
    expect(events.at(-1)).toBe("over:reset");
    expect(record.at.closed).toBeDefined();
  });

  test("stops where the server has already closed", async () => {
    const came: string[] = [];
    await using peer = await openListener(came);
    const schedule: ScheduleStep[] = [
      { afterMs: 0, bytes: 8 },
      { afterMs: 5000, bytes: 2 },
    ];
    const { record, ending } = run(peer.target, { message: Buffer.from("brick 2\nxx"), schedule });
    expect(await ending).toBe("fin");
    expect(record.sentBytes).toBe(8);
  });

  test("stops when the exchange is cancelled", async () => {
    await using peer = await openListener([]);
    const schedule: ScheduleStep[] = [
      { afterMs: 0, bytes: 1 },
      { afterMs: 5000, bytes: 7 },
    ];
    const { record, ending } = run(peer.target, { message, schedule }, { onWritten: (_, __, each) => each.cancel() });
    expect(await ending).toBe("cancelled");
    expect(record.sentBytes).toBe(1);
  });

  test("is not given up for the server's silence while it goes on", async () => {
    using clock = new HeldClock();
    await using peer = await openListener([]);
    const schedule = Array.from(message, () => ({ afterMs: 40, bytes: 1 }));
    const { record, ending } = run(peer.target, { message, schedule, replyTimeoutMs: 150 });
    await clock.until(() => record.at.established !== undefined);
    for (const step of schedule.keys()) {
      clock.pass(40);
      await clock.until(() => record.writes.length > step);
    }
    expect(await ending).toBe("fin");
  });
});

describe("a slow reader", () => {
  test("reads no more at once than its pace, and no sooner", async () => {
    using clock = new HeldClock();
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end("0123456789")));
    const read = { afterMs: 40, bytes: 4, everyMs: 30 };
    const { record, texts, ending } = run(peer.target, { read });
    const { at } = record;
    await clock.until(() => at.established !== undefined);
    for (const [index, ms] of [read.afterMs, read.everyMs, read.everyMs, read.everyMs].entries()) {
      clock.pass(ms);
      await clock.until(() => record.reads.length > index || at.closed !== undefined);
    }
    expect(await ending).toBe("fin");
    expect(texts).toEqual(["0123", "4567", "89"]);
    expect(record.reads.map(({ atMs }) => Math.round(atMs - Number(at.established)))).toEqual([40, 70, 100]);
  });

  test("holds the server back when the kernel's buffers are full, and gets everything", async () => {
    const reply = Buffer.alloc(24 * 1024 * 1024, "x");
    let wasHeldBack = false;
    await using peer = await openPeer((socket) => {
      socket.once("data", () => {
        wasHeldBack = !socket.write(reply);
        socket.end();
      });
    });
    const read = { afterMs: 200, bytes: 65_536, everyMs: 0 };
    const { record, ending } = run(peer.target, { read });
    expect(await ending).toBe("fin");
    expect(wasHeldBack).toBe(true);
    expect(record.receivedBytes).toBe(reply.length);
  });

  test("stays held by its listener when the pace would let it read", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end("0123456789")));
    const read = { afterMs: 0, bytes: 4, everyMs: 10 };
    const resumed = Promise.withResolvers<number>();
    const { texts, ending } = run(
      peer.target,
      { read },
      {
        onRead: (_, __, each) => {
          if (texts.length > 1) return;
          each.pause();
          setTimeout(() => {
            resumed.resolve(texts.length);
            each.resume();
          }, 60);
        },
      },
    );
    expect(await resumed.promise).toBe(1);
    expect(await ending).toBe("fin");
    expect(texts.join("")).toBe("0123456789");
  });

  test("is slow for a bounded time only", () => {
    using clock = new HeldClock();
    let mayRead = 0;
    const pace = new ReadThrottle(
      { afterMs: slowReadMsMax, bytes: 1, everyMs: slowReadMsMax },
      () => (mayRead += 1),
      30,
    );
    pace.begin();
    clock.pass(29);
    expect([pace.isWaiting, pace.bytes, mayRead]).toEqual([true, 1, 0]);
    clock.pass(1);
    pace.note();
    expect([pace.isWaiting, pace.bytes, mayRead]).toEqual([false, 65_536, 1]);
  });
});
