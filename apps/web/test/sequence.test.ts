import { describe, expect, test } from "vitest";
import { layOut } from "../src/inspector/diagram/sequence.ts";
import { stepRows } from "../src/inspector/steps.ts";
import type { Timeline } from "../src/inspector/timeline/timeline.ts";
import { story, writesAt } from "./exchange-samples.ts";

const labels = (of: Timeline) => layOut(of).arrows.map(({ label }) => label);

describe("the sequence diagram", () => {
  test("has an arrow for everything that travelled", () => {
    expect(labels(story)).toEqual([
      "text frame, 58 B",
      "SYN",
      "SYN, ACK",
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
    const writes = story.writes.map((write) => ({ ...write, ms: 2.95 }));
    const at = { ...story.at, connecting: 1.1, established: 2.9, written: 2.95 };
    const late = layOut({ ...story, at, writes }).arrows;
    const message = late.find(({ label }) => label === "message, 8 B");
    const chunk = late.find(({ label }) => label === "chunk 1, 350 B");
    expect(chunk?.fromY).toBeGreaterThanOrEqual(message?.toY ?? Infinity);
  });

  test("shortens a long silence and says how long it was", () => {
    const silent = {
      ...story,
      at: { ...story.at, firstByte: 9003 },
      chunks: [{ ...story.chunks[0], arrivedMs: 9004, readMs: 9003 } as Timeline["chunks"][0]],
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

  test("shows that a cancel breaks the connection off, unless there was none or the server had ended", () => {
    const { fin: _, ...at } = story.at;
    const cancelled: Timeline = { ...story, at: { ...at, closed: 4 }, endReason: "cancelled" };
    expect(labels(cancelled).slice(-2)).toEqual(["RST", "end"]);
    expect(labels({ ...cancelled, at: { ...story.at, closed: 4 } })).not.toContain("RST");
    const waiting: Timeline = { ...cancelled, at: { received: 1, closed: 4 }, writes: [], chunks: [] };
    expect(labels(waiting)).not.toContain("RST");
  });

  test("shows on which hop it failed", () => {
    const refused: Timeline = {
      ...story,
      at: { received: 1, connecting: 1.1, closed: 1.4 },
      openedMs: undefined,
      chunks: [],
      end: "error",
      writes: [],
      failure: { hop: "gateway-server", code: "connect-refused", message: "nothing listens" },
    };
    const failures = layOut(refused).arrows.filter(({ isFailure }) => isFailure);
    expect(failures.map(({ from, to, label }) => [from, to, label])).toEqual([
      ["gateway", "server", "SYN"],
      ["server", "gateway", "RST"],
      ["gateway", "page", "error"],
    ]);
  });

  test("draws each write, our own FIN and a reset where they were", () => {
    const at = { received: 1, connecting: 1.1, established: 1.5, written: 1.6, ended: 1.9, closed: 3.3 };
    const cut = { ...story, at, writes: writesAt(1.6, 1.7, 1.8), chunks: [], endReason: "reset" as const };
    const toServer = layOut(cut).arrows.filter(({ from, to }) => from === "gateway" && to === "server");
    expect(toServer.map(({ id }) => id)).toEqual(["connect", "write 0", "write 1", "write 2", "ended", "reset"]);
  });

  test("draws the first writes and the last of many, and counts those between", () => {
    const many = { ...story, writes: writesAt(...Array.from({ length: 100 }, (_, at) => 1.6 + at / 100)) };
    const ids = layOut(many).arrows.map(({ id }) => id);
    expect(ids.filter((id) => id.startsWith("write "))).toHaveLength(7);
    expect(labels(many)).toContain("93 more");
  });

  test("shows on its own scale how far the gateway's clock may be off", () => {
    const [first] = layOut({ ...story, errorMs: 0.1 }).doubts;
    const [wider] = layOut({ ...story, errorMs: 0.5 }).doubts;
    expect((first?.toY ?? 0) - (first?.fromY ?? 0)).toBeGreaterThan(0);
    expect((wider?.toY ?? 0) - (wider?.fromY ?? 0)).toBeGreaterThan((first?.toY ?? 0) - (first?.fromY ?? 0));
    expect(layOut({ ...story, errorMs: undefined }).doubts).toEqual([]);
  });

  test("puts the line of the history between the message's arrival and the answer", () => {
    const { arrows, heardY } = layOut(story);
    expect(heardY).toBeGreaterThanOrEqual(arrows.find(({ id }) => id === "write 0")?.toY ?? Infinity);
    expect(heardY).toBeLessThanOrEqual(arrows.find(({ id }) => id === "chunk 0")?.fromY ?? -Infinity);
  });

  test("is drawn before anything but the sending is known", () => {
    const begun: Timeline = {
      ...story,
      at: {},
      writes: [],
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
      stepRows({ ...story, at: { received: 1 }, writes: [], openedMs: undefined, chunks: [], endedMs: undefined }),
    ).toHaveLength(2);
  });
});
