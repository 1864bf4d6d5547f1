import { expect, test } from "vitest";
import { phasesOf } from "../src/inspector/timeline/steps.ts";
import { rowsOf } from "../src/inspector/frame-rows.ts";
import type { WireRow } from "../src/inspector/frame-rows.ts";
import { encodeText, StreamRecord } from "@wirebook/protocol";
import { Exchange } from "../src/exchanges/exchange.svelte.ts";
import { server, timeline } from "./exchange-samples.ts";
import { readOf, writtenOf } from "./gateway-peer.ts";

const namesOf = (of: typeof timeline) => phasesOf(of).map(({ name }) => name);

test("the phases follow each other and make up the whole time", () => {
  const phases = phasesOf(timeline);
  expect(namesOf(timeline)).toEqual([
    "to the gateway",
    "in the gateway",
    "connect",
    "write",
    "server",
    "reply",
    "to the page",
  ]);
  phases.slice(1).forEach(({ fromMs }, at) => {
    const before = phases[at];
    expect(fromMs).toBeCloseTo((before?.fromMs ?? 0) + (before?.ms ?? 0));
  });
  expect(phases.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(timeline.endedMs ?? 0);
});

test("a wait without an answer is not called the server's", () => {
  const at = { received: 1, connecting: 1.1, established: 1.5, written: 1.6, closed: 9 };
  expect(namesOf({ ...timeline, at, endReason: "reset" })).toContain("no answer");
  expect(namesOf({ ...timeline, at, endReason: "reset" })).not.toContain("server");
});

const told = ({ number, frame, event, ms, span }: WireRow) => [
  number,
  frame?.name,
  frame?.bytes,
  event?.kind,
  ms,
  span && `${span.stream} ${span.from}-${span.to}`,
];

test("the rows are the frames in the order of time, and those that are gone are counted", () => {
  const exchange = new Exchange(7, { user: "a", message: "abc", by: "user", target: server }, "connect", {
    atMs: 100,
    text: "{}",
  });
  const clock = { offsetMs: 0, errorMs: 0.1 };
  exchange.takeBytes(writtenOf(2, 101), 102, clock);
  exchange.takeBytes(writtenOf(1, 104), 105, clock);
  exchange.takeBytes(readOf(encodeText("hello"), 106), 107, clock);
  const at = { received: 100.5, fin: 108 };
  const end = { type: "end", id: 7, reason: "fin", sentBytes: 3, receivedBytes: 5, at } as const;
  exchange.takeFrame(end, { atMs: 109, text: "{}" }, clock);
  expect(rowsOf(exchange).map(told)).toEqual([
    [1, "connect", 2, undefined, 0, "sent 0-3"],
    [2, "written", 20, "data", 2, "sent 0-2"],
    [3, "written", 20, "data", 5, "sent 2-3"],
    [4, "data", 21, "data", 7, "received 0-5"],
    [5, "end", 2, undefined, 9, undefined],
  ]);
  const record = new StreamRecord({ firstEventsKept: 2, lastEventsKept: 2, bytesKept: 100 });
  for (let ms = 0; ms < 10; ms++) record.read(encodeText("x"), ms, { arrivedMs: ms });
  const rows = rowsOf({ record, controls: [], sentAtMs: 0, message: "", toPageMs: (ms) => ms });
  expect(rows.map(({ number }) => number)).toEqual([1, 2, 9, 10]);
});
