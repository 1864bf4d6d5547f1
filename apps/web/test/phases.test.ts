import { expect, test } from "vitest";
import { phasesOf } from "../src/inspector/timeline/steps.ts";
import { rowsOf } from "../src/inspector/frame-rows.ts";
import type { LoggedFrame } from "../src/exchanges/frame-log.ts";
import { timeline, writesAt } from "./exchange-samples.ts";

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
    "to the browser",
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

const frame = (index: number, atMs: number, read?: LoggedFrame["read"]): LoggedFrame => ({
  index,
  direction: index === 0 ? "sent" : "received",
  kind: read === undefined ? "text" : "binary",
  name: read === undefined ? "open" : "bytes",
  atMs,
  bytes: 20,
  read,
  payload: undefined,
});

test("a single write stands beside its frame, and several have rows of their own, in the order of time", () => {
  const frames = [frame(0, 100), frame(1, 103), frame(2, 110, { index: 0, offset: 0, bytes: 16 })];
  const single = rowsOf(frames, writesAt(1.6), 100, 8);
  expect(single).toHaveLength(3);
  expect(single[0]).toMatchObject({ frame: frames[0], write: { index: 0 }, span: { stream: "sent", from: 0, to: 8 } });
  expect(single[2]?.span).toEqual({ stream: "received", from: 0, to: 16 });
  const several = rowsOf(frames, writesAt(2, 4, 6), 100, 3);
  expect(
    several.map(({ frame: of, write }) => (of === undefined ? `write ${write?.index}` : `frame ${of.index}`)),
  ).toEqual(["frame 0", "write 0", "frame 1", "write 1", "write 2", "frame 2"]);
});
