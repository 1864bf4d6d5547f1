import { expect, test } from "vitest";
import type { PlanStep } from "@wirebook/protocol";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { openPage } from "./page-client.ts";
import { openBackend, openGateway } from "./gateway-fixture.ts";
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

const raw = (text: string, plan: PlanStep[]) => ({ type: "raw", id: 1, bytes: btoa(text), end: false, plan }) as const;

test("writes a message as its plan has it", async () => {
  using clock = new HeldClock();
  let reads: readonly string[] = [];
  await using reader = await openReader((of) => (reads = of));
  await using gateway = await openGateway(reader.target);
  await using page = await openPage(gateway);
  const plan = [
    { afterMs: 0, bytes: 3 },
    { afterMs: 40, bytes: 5 },
  ];
  page.send(raw("brick 2\n", plan));
  await clock.until(() => reads.length > 0);
  clock.pass(40);
  const { text, last } = await page.answer(1);
  expect(text).toBe("bri|ck 2\n");
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 8 });
});

test("half-closes by a step, and says when", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader.target);
  await using page = await openPage(gateway);
  const plan: PlanStep[] = [
    { afterMs: 0, bytes: 7 },
    { afterMs: 30, do: "end" },
  ];
  const { text, last } = await page.ask(raw("brick 2", plan));
  expect(text).toBe("brick 2");
  expect(last.at.ended).toBeGreaterThanOrEqual(Number(last.at.written));
});

test("ends a reset with its own reason, and logs no failure", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader.target);
  await using page = await openPage(gateway);
  const plan: PlanStep[] = [
    { afterMs: 0, bytes: 2 },
    { afterMs: 0, do: "reset" },
  ];
  expect((await page.ask(raw("br", plan))).last).toMatchObject({ type: "end", reason: "reset", sentBytes: 2 });
  expect(gateway.log.join("")).toContain('"outcome":"reset"');
});

test("begins a plan when a connection is free, not before", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader.target, { config: { serverConnections: 1 } });
  await using page = await openPage(gateway);
  page.send({ type: "raw", id: 2, bytes: "", end: false });
  await page.frame("open");
  page.send(raw("brick 2\n", [{ afterMs: 10, bytes: 8 }]));
  page.send({ type: "cancel", id: 2 });
  const [first, second] = await Promise.all([page.answer(2), page.answer(1)]);
  expect(second.last.at.connecting).toBeGreaterThanOrEqual(Number(first.last.at.closed));
  expect(second.text).toBe("brick 2\n");
});

test("adds nothing to a plan", async () => {
  using clock = new HeldClock();
  await using reader = await openReader();
  await using gateway = await openGateway(reader.target);
  await using page = await openPage(gateway);
  page.send(raw("brick 2\n", [{ afterMs: 50, bytes: 8 }]));
  page.sendBytes(1, Buffer.from("more"));
  const { message } = await page.error("frame-invalid");
  expect(message).toContain("exchange 1 follows its write schedule");
  await page.frame("open");
  clock.pass(50);
  expect((await page.answer(1)).text).toBe("brick 2\n");
});

test("refuses a plan that does not fit its bytes, with a sentence", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader.target);
  await using page = await openPage(gateway);
  page.send(raw("brick 2\n", [{ afterMs: 0, bytes: 9 }]));
  const { message } = await page.error("frame-invalid");
  expect(message).toBe("a plan that writes 9 bytes does not fit a message of 8; let its steps add up");
  expect(reader.acceptedCount).toBe(0);
});

test("reads slowly where the frame says so, a frame for each read", async () => {
  await using reader = await openReader();
  await using gateway = await openGateway(reader.target);
  await using page = await openPage(gateway);
  const read = { afterMs: 30, bytes: 5, everyMs: 10 };
  const { chunks } = await page.ask({ ...raw("brick 2 -100\n", [{ afterMs: 0, bytes: 13 }]), read });
  expect(chunks.map(({ length }) => length)).toEqual([5, 5, 3]);
});
