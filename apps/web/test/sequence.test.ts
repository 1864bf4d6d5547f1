import { describe, expect, test } from "vitest";
import { layOut } from "../src/wire/sequence.ts";
import { stepRows } from "../src/wire/steps.ts";
import type { Story } from "../src/wire/story.ts";

const story: Story = {
  requestBytes: 58,
  messageBytes: 8,
  at: { received: 1, connecting: 1.1, established: 1.5, written: 1.6, firstByte: 3, fin: 3.2, closed: 3.3 },
  openedMs: 2,
  chunks: [{ index: 0, bytes: 350, readMs: 3, arrivedMs: 4, frameBytes: 354 }],
  omitted: { count: 0, fromMs: 0 },
  endedMs: 4.5,
  end: "end",
  failedHop: undefined,
  isRefusedConnection: false,
  errorMs: 0.1,
};
const labels = (of: Story) => layOut(of).arrows.map(({ label }) => label);

describe("the sequence diagram", () => {
  test("has an arrow for everything that travelled", () => {
    expect(labels(story)).toEqual([
      "text frame, 58 B",
      "connect",
      "established",
      "open",
      "message, 8 B",
      "chunk 1, 350 B",
      "binary, 354 B",
      "FIN",
      "end",
    ]);
  });

  test("never draws a later moment above an earlier one", () => {
    const ys = layOut(story).ticks.map(({ y }) => y);
    expect(ys).toEqual(ys.toSorted((a, b) => a - b));
    expect(new Set(ys).size).toBe(ys.length);
  });

  test("lets no answer leave the server before the message has arrived there, however long the handshake took", () => {
    const late = layOut({ ...story, at: { ...story.at, connecting: 1.1, established: 2.9, written: 2.95 } }).arrows;
    const message = late.find(({ label }) => label === "message, 8 B");
    const chunk = late.find(({ label }) => label === "chunk 1, 350 B");
    expect(chunk?.fromY).toBeGreaterThanOrEqual(message?.toY ?? Infinity);
  });

  test("shortens a long silence and says how long it was", () => {
    const silent = {
      ...story,
      at: { ...story.at, firstByte: 9003 },
      chunks: [{ ...story.chunks[0], arrivedMs: 9004, readMs: 9003 } as Story["chunks"][0]],
      endedMs: 9005,
    };
    const { gaps, height } = layOut(silent);
    expect(gaps.map(({ ms }) => Math.round(ms / 1000))).toEqual([9]);
    expect(height).toBeLessThan(600);
  });

  test("says how many chunks it leaves out, and when they came", () => {
    const { arrows } = layOut({ ...story, omitted: { count: 33, fromMs: 4 } });
    const more = arrows.find(({ label }) => label === "33 more");
    expect(more?.toY).toBe(arrows.find(({ label }) => label === "binary, 354 B")?.toY);
  });

  test("shows on which hop it failed", () => {
    const refused: Story = {
      ...story,
      at: { received: 1, connecting: 1.1, closed: 1.4 },
      openedMs: undefined,
      chunks: [],
      end: "error",
      failedHop: "gateway-server",
      isRefusedConnection: true,
    };
    const failures = layOut(refused).arrows.filter(({ isFailure }) => isFailure);
    expect(failures.map(({ from, to, label }) => [from, to, label])).toEqual([
      ["gateway", "server", "connect"],
      ["server", "gateway", "refused"],
      ["gateway", "page", "error"],
    ]);
  });

  test("is drawn before anything but the sending is known", () => {
    const begun: Story = {
      ...story,
      at: {},
      openedMs: undefined,
      chunks: [],
      endedMs: undefined,
      end: "running",
    };
    expect(labels(begun)).toEqual(["text frame, 58 B"]);
  });
});

describe("the table of steps", () => {
  test("is sorted by time and says how long each step took", () => {
    const rows = stepRows(story);
    expect(rows[0]).toMatchObject({ name: "frame sent", ms: 0, sinceMs: 0 });
    expect(rows.map(({ ms }) => ms)).toEqual(rows.map(({ ms }) => ms).toSorted((a, b) => a - b));
    expect(rows.reduce((sum, { sinceMs }) => sum + sinceMs, 0)).toBeCloseTo(4.5);
  });

  test("leaves out what did not happen", () => {
    expect(
      stepRows({ ...story, at: { received: 1 }, openedMs: undefined, chunks: [], endedMs: undefined }),
    ).toHaveLength(2);
  });
});
