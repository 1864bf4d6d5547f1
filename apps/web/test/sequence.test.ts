import { describe, expect, test } from "vitest";
import { layOut } from "../src/inspector/diagram/sequence.ts";
import { stepRows } from "../src/inspector/timeline/steps.ts";
import type { Timeline } from "../src/inspector/timeline/timeline.ts";
import { timeline, writesAt } from "./exchange-samples.ts";

const labels = (of: Timeline) => layOut(of).arrows.map(({ label }) => label);

describe("the sequence diagram", () => {
  test("has an arrow for everything that travelled", () => {
    expect(labels(timeline)).toEqual([
      "text frame, 58 B",
      "SYN",
      "SYN, ACK",
      "open",
      "message, 8 B",
      "read 1, 350 B",
      "binary, 354 B",
      "FIN",
      "end",
    ]);
  });

  test("never draws a later moment above an earlier one", () => {
    const ys = layOut(timeline).ticks.map(({ y }) => y);
    expect(ys).toEqual(ys.toSorted((a, b) => a - b));
    expect(new Set(ys).size).toBe(ys.length);
  });

  test("lets no answer leave the server before the message has arrived there, however long the handshake took", () => {
    const writes = timeline.writes.map((write) => ({ ...write, ms: 2.95 }));
    const at = { ...timeline.at, connecting: 1.1, established: 2.9, written: 2.95 };
    const late = layOut({ ...timeline, at, writes }).arrows;
    const message = late.find(({ label }) => label === "message, 8 B");
    const read = late.find(({ label }) => label === "read 1, 350 B");
    expect(read?.fromY).toBeGreaterThanOrEqual(message?.toY ?? Infinity);
  });

  test("shortens a long silence and says how long it was", () => {
    const silent = {
      ...timeline,
      at: { ...timeline.at, firstByte: 9003 },
      reads: [{ ...timeline.reads[0], arrivedMs: 9004, readMs: 9003 } as Timeline["reads"][0]],
      endedMs: 9005,
    };
    const { gaps, height } = layOut(silent);
    expect(gaps.map(({ ms }) => Math.round(ms / 1000))).toEqual([9]);
    expect(height).toBeLessThan(600);
  });

  test("says how many reads it leaves out, and when they came", () => {
    const { arrows } = layOut({ ...timeline, omitted: { count: 33, fromMs: 4 } });
    const more = arrows.find(({ label }) => label === "33 more");
    expect(more?.toY).toBe(arrows.find(({ label }) => label === "binary, 354 B")?.toY);
  });

  test("shows that a cancel breaks the connection off, unless there was none or the server had ended", () => {
    const { fin: _, ...at } = timeline.at;
    const cancelled: Timeline = { ...timeline, at: { ...at, closed: 4 }, endReason: "cancelled" };
    expect(labels(cancelled).slice(-2)).toEqual(["RST", "end"]);
    expect(labels({ ...cancelled, at: { ...timeline.at, closed: 4 } })).not.toContain("RST");
    const waiting: Timeline = { ...cancelled, at: { received: 1, closed: 4 }, writes: [], reads: [] };
    expect(labels(waiting)).not.toContain("RST");
  });

  test("shows on which hop it failed", () => {
    const refused: Timeline = {
      ...timeline,
      at: { received: 1, connecting: 1.1, closed: 1.4 },
      openedMs: undefined,
      reads: [],
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
    const cut = { ...timeline, at, writes: writesAt(1.6, 1.7, 1.8), reads: [], endReason: "reset" as const };
    const toServer = layOut(cut).arrows.filter(({ from, to }) => from === "gateway" && to === "server");
    expect(toServer.map(({ id }) => id)).toEqual(["connect", "write 0", "write 1", "write 2", "ended", "reset"]);
  });

  test("draws the first writes and the last of many, and counts those between", () => {
    const many = { ...timeline, writes: writesAt(...Array.from({ length: 100 }, (_, at) => 1.6 + at / 100)) };
    const ids = layOut(many).arrows.map(({ id }) => id);
    expect(ids.filter((id) => id.startsWith("write "))).toHaveLength(7);
    expect(labels(many)).toContain("93 more");
  });

  test("shows on its own scale how far the gateway's clock may be off", () => {
    const [first] = layOut({ ...timeline, errorMs: 0.1 }).clockErrors;
    const [wider] = layOut({ ...timeline, errorMs: 0.5 }).clockErrors;
    expect((first?.toY ?? 0) - (first?.fromY ?? 0)).toBeGreaterThan(0);
    expect((wider?.toY ?? 0) - (wider?.fromY ?? 0)).toBeGreaterThan((first?.toY ?? 0) - (first?.fromY ?? 0));
    expect(layOut({ ...timeline, errorMs: undefined }).clockErrors).toEqual([]);
  });

  test("puts the line of the history between the message's arrival and the answer", () => {
    const { arrows, lineY } = layOut(timeline);
    expect(lineY).toBeGreaterThanOrEqual(arrows.find(({ id }) => id === "write 0")?.toY ?? Infinity);
    expect(lineY).toBeLessThanOrEqual(arrows.find(({ id }) => id === "read 0")?.fromY ?? -Infinity);
  });

  test("is drawn before anything but the sending is known", () => {
    const begun: Timeline = {
      ...timeline,
      at: {},
      writes: [],
      openedMs: undefined,
      reads: [],
      endedMs: undefined,
      end: "running",
    };
    expect(labels(begun)).toEqual(["text frame, 58 B"]);
  });
});

describe("the table of steps", () => {
  test("is sorted by time and says how long each step took", () => {
    const rows = stepRows(timeline);
    expect(rows[0]).toMatchObject({ name: "frame sent", ms: 0, sinceMs: 0 });
    expect(rows.map(({ ms }) => ms)).toEqual(rows.map(({ ms }) => ms).toSorted((a, b) => a - b));
    expect(rows.reduce((sum, { sinceMs }) => sum + sinceMs, 0)).toBeCloseTo(4.5);
  });

  test("leaves out what did not happen", () => {
    expect(
      stepRows({ ...timeline, at: { received: 1 }, writes: [], openedMs: undefined, reads: [], endedMs: undefined }),
    ).toHaveLength(2);
  });
});
