import { expect, test } from "vitest";
import { phasesOf } from "../src/inspector/timeline/timeline.ts";
import { timeline } from "./stream-samples.ts";

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

test("a conversation is one phase up to the last thing that happened, without a word of a missing answer", () => {
  const open = {
    ...timeline,
    isDialogue: true,
    at: { received: 1, connecting: 1.1, established: 1.5 },
    endedMs: undefined,
  };
  const phases = phasesOf({ ...open, latestMs: 60_000 });
  expect(phases.at(-1)).toMatchObject({ name: "conversation", ms: 60_000 - 1.5 });
  expect(phases.map(({ name }) => name)).not.toContain("no answer");
});
