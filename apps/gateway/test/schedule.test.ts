import { expect, test } from "vitest";
import type { ScheduleStep } from "@wirebook/protocol";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { openBackend, openGateway, openPage } from "./gateway-fixture.ts";
import type { Backend } from "./gateway-fixture.ts";

/** A server that answers what each of its reads gave, with bars between, once a line has come or the client closed. */
function openReader(onReads: (reads: readonly string[]) => void = () => undefined): Promise<Backend> {
  return openBackend((socket) => {
    const reads: string[] = [];
    onReads(reads);
    const answer = () => socket.end(reads.join("|"));
    socket.on("data", (chunk: Buffer) => {
      reads.push(chunk.toString());
      if (chunk.includes(10)) answer();
    });
    socket.on("end", answer);
  });
}

test("writes a message as its schedule has it", async () => {
  using clock = new HeldClock();
  let reads: readonly string[] = [];
  await using reader = await openReader((of) => (reads = of));
  await using gateway = await openGateway(reader);
  await using page = await openPage(gateway);
  const schedule = [
    { afterMs: 0, bytes: 3 },
    { afterMs: 40, bytes: 5 },
  ];
  const stream = page.connect("wirebook", { bytes: "brick 2\n", schedule });
  await clock.until(() => reads.length > 0);
  clock.pass(40);
  const { text, last, record } = await stream.ended;
  expect(text).toBe("bri|ck 2\n");
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 8 });
  expect(record.writes.map(({ byteCount }) => byteCount)).toEqual([3, 5]);
});

test("half-closes by a step, and says when", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader);
  await using page = await openPage(gateway);
  const schedule: ScheduleStep[] = [
    { afterMs: 0, bytes: 7 },
    { afterMs: 30, do: "end" },
  ];
  const { text, last } = await page.connect("wirebook", { bytes: "brick 2", schedule }).ended;
  expect(text).toBe("brick 2");
  expect(last.at.ended).toBeGreaterThanOrEqual(Number(last.at.written));
});

test("ends a reset with its own reason, and logs no failure", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader);
  await using page = await openPage(gateway);
  const schedule: ScheduleStep[] = [
    { afterMs: 0, bytes: 2 },
    { afterMs: 0, do: "reset" },
  ];
  const { last } = await page.connect("wirebook", { bytes: "br", schedule }).ended;
  expect(last).toMatchObject({ type: "end", reason: "reset", sentBytes: 2 });
  expect(gateway.log.join("")).toContain('"outcome":"reset"');
});

test("ends with the target's FIN, and drops the rest of the schedule", async () => {
  await using backend = await openBackend((socket) => socket.once("data", () => socket.end("enough")).resume());
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const schedule = [
    { afterMs: 0, bytes: 3 },
    { afterMs: 12_000, bytes: 5 },
  ];
  const { text, last } = await page.connect("wirebook", { bytes: "brick 2\n", schedule }).ended;
  expect(text).toBe("enough");
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 3 });
});

test("begins a schedule when a connection is free, not before", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader, { config: { connections: 1 } });
  await using page = await openPage(gateway);
  const kept = page.connect("wirebook");
  await kept.opened;
  const stream = page.connect("wirebook", { bytes: "brick 2\n", schedule: [{ afterMs: 10, bytes: 8 }] });
  kept.cancel();
  const [first, second] = await Promise.all([kept.ended, stream.ended]);
  expect(second.last.at.connecting).toBeGreaterThanOrEqual(Number(first.last.at.closed));
  expect(second.text).toBe("brick 2\n");
});

test("adds nothing to a schedule", async () => {
  using clock = new HeldClock();
  await using reader = await openReader();
  await using gateway = await openGateway(reader);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "brick 2\n", schedule: [{ afterMs: 50, bytes: 8 }] });
  await stream.send("more");
  const { message } = await page.error("frame-invalid");
  expect(message).toContain("stream 1 follows its write schedule");
  await stream.opened;
  clock.pass(50);
  expect((await stream.ended).text).toBe("brick 2\n");
});

test("refuses a schedule that does not fit its bytes, with a sentence", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader);
  await using page = await openPage(gateway);
  page.connect("wirebook", { bytes: "brick 2\n", schedule: [{ afterMs: 0, bytes: 9 }] });
  const { message } = await page.error("frame-invalid");
  expect(message).toBe("a write schedule that writes 9 bytes does not fit a message of 8; let its steps add up");
  expect(reader.acceptedCount).toBe(0);
});

test("reads slowly where the frame says so, a frame for each read", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader);
  await using page = await openPage(gateway);
  const read = { afterMs: 30, bytes: 5, everyMs: 10 };
  const { record } = await page.connect("wirebook", { bytes: "brick 2 -100\n", isEnded: true, read }).ended;
  expect(record.reads.map(({ byteCount }) => byteCount)).toEqual([5, 5, 3]);
});
