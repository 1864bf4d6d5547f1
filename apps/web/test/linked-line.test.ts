import { describe, expect, test } from "vitest";
import { encodeTime } from "@wirebook/protocol";
import { HistoryReplica } from "../src/history/replica/history-replica.ts";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { decodeLineLink, encodeLineLink, LinkedLine, locate } from "../src/history/replica/linked-line.svelte.ts";
import { openScene } from "./app-fixture.ts";

const startUs = 1_800_000_000_000_000;
/** Times that come in bursts, as they do. */
const time = (n: number) => encodeTime(startUs + n * n * 100);
const lines = Array.from({ length: 100_000 }, (_, index) => `${time(index + 1)} ::1 "brick ${index + 1}"`);

async function find(wanted: string, all: readonly string[] = lines) {
  const copy = new HistoryReplica(all.length);
  let reads = 0;
  const read = ({ from, to }: { from: number; to: number }) => {
    reads += 1;
    copy.put(from, all.slice(from - 1, to));
    return Promise.resolve(true);
  };
  return { found: await locate(copy, wanted, read), reads };
}

describe("finding the line of a time", () => {
  test.each([1, 2, 999, 1000, 1001, 54_321, 99_999, 100_000])("finds line %i with few reads", async (n) => {
    const { found, reads } = await find(time(n));
    expect(found).toEqual({ position: n, isGone: false });
    expect(reads).toBeLessThanOrEqual(12);
  });

  test("says that a line is gone, and where it was", async () => {
    const all = lines.toSpliced(54_320, 1);
    expect((await find(time(54_321), all)).found).toEqual({ position: 54_321, isGone: true });
    expect((await find(time(0), all)).found).toEqual({ position: 1, isGone: true });
    expect((await find(time(200_000), all)).found).toMatchObject({ isGone: true });
  });

  test("takes lines without a time for older ones", async () => {
    const all = [...Array.from({ length: 60_000 }, (_, n) => `line ${n}`), ...lines.slice(60_000)];
    expect((await find(time(70_000), all)).found).toEqual({ position: 70_000, isGone: false });
    expect((await find(time(50_000), all)).found).toEqual({ position: 60_001, isGone: true });
  });

  test("fails when the lines cannot be read", async () => {
    expect(await locate(new HistoryReplica(100), time(3), () => Promise.resolve(false))).toBeUndefined();
  });
});

test("the address of a line is read as it was written, and nothing else is one", () => {
  expect(decodeLineLink(encodeLineLink(time(7)))).toBe(time(7));
  expect(["", "#", "#line=", "#line=yesterday", "#composer"].map(decodeLineLink)).toEqual(Array(5).fill(undefined));
});

test("the line of the address is shown once there is a history to look in", async () => {
  const scene = openScene(5000);
  const view = new HistoryView(scene.history);
  const linked = new LinkedLine(scene.streams, scene.history, (position) => view.reveal(position));
  const wanted = (scene.peer.lines[1233] ?? "").slice(0, 27);
  expect(linked.take(`#line=${wanted}`)).toBe(true);
  expect(linked.state).toBe("waiting");
  void scene.follower.start();
  await expect.poll(() => linked.state).toBe("found");
  expect([view.rowHeld("cursor"), view.revealed]).toEqual([1233, 1]);
  linked.goTo("2000-01-01T00:00:00.000000Z");
  await expect.poll(() => view.revealed).toBe(2);
  expect([linked.state, view.rowHeld("cursor")]).toEqual(["found", 0]);
  expect(linked.take("#composer")).toBe(false);
  expect(linked.state).toBe("none");
});
