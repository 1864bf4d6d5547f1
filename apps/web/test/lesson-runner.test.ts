import { authenticationError, decodeByteFrame, decodeText, encodeText } from "@wirebook/protocol";
import type { FrameErrorCode, GatewayFrame, PageFrame, StepTimes } from "@wirebook/protocol";
import { expect, test } from "vitest";
import type { App } from "../src/app.svelte.ts";
import type { Lesson, LessonOrder, Runs } from "../src/lessons/lesson.ts";
import { LessonRunner } from "../src/lessons/runner.svelte.ts";
import { Streams } from "../src/streams/streams.svelte.ts";
import { hello } from "./flow-frames.ts";
import { readOf, writtenOf } from "./gateway-peer.ts";
import { server } from "./stream-samples.ts";

const greeter = { name: "lesson-greeter", transport: "tcp", proxyHeaderBytes: 0 } as const;
const echoOrder: LessonOrder = { name: "Stream 1", target: "lesson-greeter", writes: [] };
const serverOrder: LessonOrder = { name: "Stream 1", target: "wirebook", writes: ["otter 2\n"] };
const established = { received: 1, connecting: 2, established: 3 };

/** A runner of a lesson with one choice, in front of a gateway that does what the test says. */
function openRunner(orders: readonly LessonOrder[], role: "viewer" | "operator" = "operator") {
  const sent: (PageFrame | string)[] = [];
  let isOpen = true;
  const connection = {
    clock: undefined,
    hello: { ...hello, role, targets: [server], lessons: [greeter] },
    send(frame: PageFrame) {
      if (isOpen) sent.push(frame);
      return isOpen ? { atMs: performance.now(), text: JSON.stringify(frame) } : undefined;
    },
    sendBytes(bytes: Uint8Array) {
      const frame = decodeByteFrame(bytes);
      sent.push(typeof frame === "string" ? frame : decodeText(frame.bytes));
      return performance.now();
    },
  };
  const streams = new Streams(connection, () => {});
  const lesson: Lesson = {
    intro: [],
    orders: () => orders,
    question: "?",
    choices: { one: ["One.", "one"] },
    answer: ([run]) => (run?.receivedBytes === 4 ? "one" : "none"),
    correct: () => "No.",
    observe: (runs: Runs) => runs.map(({ receivedBytes }) => ({ text: `${receivedBytes} bytes came.` })),
    why: [],
    standards: [],
  };
  const keyring = { withKey: (name: string) => name };
  const parts = { connection, streams, identity: { keyring }, commandLine: { name: "otter" } };
  const runner = new LessonRunner(lesson, parts as unknown as App);
  runner.chosen = "one";
  const give = (frame: GatewayFrame) => streams.takeFrame(frame, { atMs: performance.now(), text: "{}" });
  const read = (id: number, text: string, atMs: number) =>
    streams.takeBytes({ ...readOf(encodeText(text), atMs), id }, performance.now());
  const fin = (id: number, isFromTarget: boolean, atMs: number) =>
    streams.takeBytes({ ...readOf(new Uint8Array(0), atMs), kind: "fin", isFromTarget, id }, performance.now());
  const wrote = (id: number, bytes: number, atMs: number) => streams.takeBytes({ ...writtenOf(bytes, atMs), id }, 0);
  const end = (id: number, at: StepTimes = established) =>
    give({ type: "end", id, reason: "fin", sentBytes: 0, receivedBytes: 0, at });
  const fail = (id: number, code: FrameErrorCode, at: StepTimes = established) =>
    give({ type: "error", id, code, hop: "gateway-server", message: "that port refused", at });
  return { sent, streams, runner, read, fin, wrote, end, fail, disconnect: () => (isOpen = false) };
}

test("waits for what the target says before it answers, and hands the facts to the lesson", async () => {
  const order: LessonOrder = {
    ...echoOrder,
    deeds: [
      { after: "reply", send: "EHLO\r\n" },
      { after: "reply", do: "end" },
    ],
  };
  const { sent, runner, read, fin, wrote, end } = openRunner([order]);
  const running = runner.run();
  expect(sent).toMatchObject([{ type: "connect", target: "lesson-greeter", bytes: "", end: false }]);
  read(1, "220", 5);
  await expect.poll(() => sent.at(-1)).toBe("EHLO\r\n");
  wrote(1, 6, 7);
  read(1, "2", 9);
  await expect.poll(() => sent.at(-1)).toEqual({ type: "end", id: 1 });
  fin(1, false, 10);
  fin(1, true, 12);
  end(1, { ...established, closed: 12 });
  expect(await running).toBe(true);
  expect(runner.state).toBe("observed");
  expect(runner.answer).toBe("one");
  expect(runner.observations).toEqual([{ text: "4 bytes came." }]);
  expect(runner.runs).toMatchObject([
    {
      handshakeMs: 1,
      waitMs: 0,
      restMs: 7,
      totalMs: 10,
      isTargetFirst: true,
      fins: ["gateway", "target"],
      reads: [
        { bytes: 3, ms: 3 },
        { bytes: 1, ms: 7 },
      ],
      failure: undefined,
    },
  ]);
  runner.again();
  expect([runner.state, runner.chosen]).toEqual(["predict", undefined]);
  expect(await runner.run()).toBe(false);
});

test("counts what came behind the FIN of the gateway, and writes in pieces as the order says", async () => {
  const orders: LessonOrder[] = [
    { ...serverOrder, writes: ["otter 2"], end: true },
    { ...serverOrder, name: "Stream 2", writes: ["ot", "ter 2\n"], gapMs: 50 },
  ];
  const { sent, runner, read, fin, wrote, end, fail } = openRunner(orders);
  const running = runner.run();
  expect(sent).toMatchObject([
    { end: true },
    {
      end: false,
      schedule: [
        { afterMs: 0, bytes: 2 },
        { afterMs: 50, bytes: 6 },
      ],
    },
  ]);
  wrote(1, 7, 4);
  fin(1, false, 5);
  read(1, "four", 6);
  fin(1, true, 7);
  end(1);
  fail(2, "connection-reset");
  expect(await running).toBe(false);
  expect(runner.problem).toBe(
    "Stream 2 failed, so this run decides nothing. It failed between the gateway and the server. That port refused. Press Run again.",
  );
  expect(runner.state).toBe("predict");
  expect(runner.runs).toMatchObject([
    { bytesAfterOwnFin: 4, waitMs: 2, failure: undefined },
    { failure: "connection-reset" },
  ]);
});

test("lets a failure decide where the lesson is about it, and says what spoiled every other run", async () => {
  const meant = openRunner([{ ...echoOrder, mayFail: true }]);
  const refused = meant.runner.run();
  meant.fail(1, "connect-refused", { received: 1, connecting: 2 });
  expect(await refused).toBe(true);
  expect(meant.runner.runs).toMatchObject([{ failure: "connect-refused", handshakeMs: undefined }]);

  const lost = openRunner([{ ...echoOrder, mayFail: true }]);
  const losing = lost.runner.run();
  lost.streams.lose("the power went");
  expect(await losing).toBe(false);
  expect(lost.runner.problem).toContain(
    "It failed between this page and the gateway. The gateway was lost: the power went.",
  );

  const stranger = openRunner([serverOrder]);
  const unknown = stranger.runner.run();
  stranger.read(1, authenticationError, 4);
  stranger.fin(1, true, 5);
  stranger.end(1);
  expect(await unknown).toBe(false);
  expect(stranger.runner.problem).toContain("The server does not accept your name.");

  const offline = openRunner([serverOrder]);
  offline.disconnect();
  expect(await offline.runner.run()).toBe(false);
  expect(offline.runner.problem).toBe("The gateway was not connected. Press Run again.");
});

test("says why a lesson cannot be run here, and sends nothing then", async () => {
  const viewer = openRunner([serverOrder], "viewer");
  expect(viewer.runner.obstacle).toMatch(/^You may look, not send: /);
  expect(await viewer.runner.run()).toBe(false);
  const missing = openRunner([{ ...echoOrder, target: "lesson-tls" }]);
  expect(missing.runner.obstacle).toBe(
    "This lesson needs a service of the gateway. Its operator starts that with `--lessons`.",
  );
  expect(await missing.runner.run()).toBe(false);
  expect([...viewer.sent, ...missing.sent]).toEqual([]);
  const { runner } = openRunner([serverOrder, echoOrder]);
  expect(runner.obstacle).toBeUndefined();
});

test("ends what runs when the learner goes elsewhere, and decides nothing then", async () => {
  const { sent, runner, streams, end } = openRunner([echoOrder]);
  const running = runner.run();
  runner.leave();
  expect(sent.at(-1)).toEqual({ type: "cancel", id: 1 });
  end(1);
  expect(await running).toBe(false);
  expect(streams.list[0]?.state).toBe("done");
});
