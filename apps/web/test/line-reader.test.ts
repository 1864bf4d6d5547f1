import { describe, expect, test } from "vitest";
import { historyLineBytesKept, historyPageLines, readTriesMax, scrollSettleMs } from "../src/limits.ts";
import { expectInStep, openLiveScene } from "./app-fixture.ts";

const reads = (asked: readonly string[]) => asked.filter((message) => message.startsWith("brick 2 ")).slice(1);

const open = () => openLiveScene(10 * historyPageLines);

describe("the lines in view", () => {
  test("are read, a block at a time", async () => {
    const scene = await open();
    scene.reader.want(5300, 5320);
    await expect.poll(() => scene.cache.at(5320)).toBeDefined();
    await expectInStep(scene);
    expect(reads(scene.peer.asked)).toEqual(["brick 2 5001 6000 snapshot"]);
  });

  test("are read with those near them", async () => {
    const scene = await open();
    scene.reader.want(5000, 5020);
    await expect.poll(() => scene.cache.missing(4900, 5100)).toBeUndefined();
    expect(reads(scene.peer.asked)).toEqual(["brick 2 4001 5000 snapshot", "brick 2 5001 6000 snapshot"]);
  });

  test("are read only where the scrolling has come to rest", async () => {
    const scene = await open();
    for (const from of [1300, 3300, 5300, 7300]) scene.reader.want(from, from + 20);
    await expect.poll(() => scene.cache.at(7300)).toBeDefined();
    expect(reads(scene.peer.asked)).toEqual(["brick 2 7001 8000 snapshot"]);
  });

  test("are right although lines are deleted while they travel", async () => {
    const scene = await open();
    scene.peer.beforeAnswer = ({ operation }) => operation === 2 && scene.peer.delete(3);
    scene.peer.afterAnswer = ({ operation }) => operation === 2 && scene.peer.delete(4000);
    scene.reader.want(5300, 5320);
    await expect.poll(() => scene.cache.at(5320)).toBeDefined();
    await expectInStep(scene);
  });

  test("are right when the follow is behind the answer", async () => {
    const scene = await open();
    scene.peer.holdFollow();
    scene.reader.want(5300, 5320);
    await expect.poll(() => reads(scene.peer.asked)).toHaveLength(1);
    scene.peer.delete(3);
    await scene.peer.answered;
    scene.peer.delete(4000);
    scene.peer.releaseFollow();
    await expect.poll(() => scene.cache.at(5320)).toBeDefined();
    await expectInStep(scene);
  });

  test("are read again when a line was deleted since, but not for ever", async () => {
    const scene = await open();
    const { cache, peer, reader } = scene;
    /** The follow brings the line of the read, and at once that of a delete. */
    const deleteMeanwhile = async (count: number) => {
      await expect.poll(() => reads(peer.asked), { interval: 1 }).toHaveLength(count);
      await peer.answered;
      peer.delete(4000);
      for (const line of peer.lines.slice(-2)) expect(cache.apply(line)).toBe(true);
    };
    peer.holdFollow();
    const reading = reader.read(5001, 6000, "");
    for (let tries = 1; tries <= readTriesMax; tries++) {
      await deleteMeanwhile(tries);
      peer.holdFollow();
    }
    expect([await reading, cache.at(5500)]).toEqual([false, undefined]);
  });

  test("that cannot be read are told of in a sentence, and read when asked to", async () => {
    const scene = await open();
    scene.peer.replyOf = ({ operation }) => (operation === 2 ? "Error: the disk fails\n" : undefined);
    scene.reader.want(5300, 5320);
    await expect.poll(() => scene.reader.error).toBe("These lines could not be read.");
    expect(reads(scene.peer.asked)).toHaveLength(1);
    // The line that the read itself left in the history is no reason to read again.
    scene.reader.want(5300, 5320);
    await new Promise((resolve) => setTimeout(resolve, 2 * scrollSettleMs));
    expect(reads(scene.peer.asked)).toHaveLength(1);
    scene.peer.replyOf = undefined;
    await scene.reader.readView();
    expect(scene.cache.at(5300)).toBeDefined();
    await expectInStep(scene);
    expect(scene.reader.error).toBe("");
  });

  test("are cut where they are too long, and say so", async () => {
    const scene = await open();
    scene.peer.lines[5299] = "x".repeat(historyLineBytesKept + 1);
    scene.peer.lines[5300] = "y".repeat(historyLineBytesKept);
    await scene.reader.read(5300, 5301, "");
    expect([5300, 5301].map((position) => scene.cache.at(position))).toEqual([
      `${"x".repeat(historyLineBytesKept)}… (cut)`,
      "y".repeat(historyLineBytesKept),
    ]);
  });

  test("are not believed without their version", async () => {
    const scene = await open();
    scene.peer.offersSnapshot = false;
    scene.reader.want(5300, 5320);
    await expect.poll(() => scene.reader.error).not.toBe("");
    expect(scene.cache.at(5300)).toBeUndefined();
  });
});

describe("finding the line of a time", () => {
  test.each([1, 2, 999, 1000, 1001, 5432, 9999, 10_000])("finds line %i with few reads", async (n) => {
    const scene = await open();
    expect(await scene.reader.find((scene.peer.lines[n - 1] ?? "").slice(0, 27))).toBe(n);
    expect(reads(scene.peer.asked).length).toBeLessThanOrEqual(5);
  });

  test("takes the next line where there is none of that time, and else the last", async () => {
    const scene = await open();
    const time = (scene.peer.lines[5431] ?? "").slice(0, 27);
    scene.peer.delete(5432);
    await expectInStep(scene);
    expect(await scene.reader.find(time)).toBe(5432);
    expect(await scene.reader.find("2000-01-01T00:00:00.000000Z")).toBe(1);
    expect(await scene.reader.find("2099-01-01T00:00:00.000000Z")).toBeGreaterThan(10_000);
  });

  test("takes lines without a time for as old as the one before them", async () => {
    const scene = await open();
    const { cache, peer, reader } = scene;
    const time = (peer.lines[7000] ?? "").slice(0, 27);
    peer.lines = peer.lines.map((line, index) => (index < 5000 || index % 3 === 0 ? `line ${index + 1}` : line));
    cache.reset(peer.lines.length);
    expect(await reader.find(time)).toBe(7001);
    expect(await reader.find("2000-01-01T00:00:00.000000Z")).toBe(5001);
  });

  test("fails when the lines cannot be read, and the page says so", async () => {
    const scene = await open();
    scene.peer.replyOf = () => "Error: the disk fails\n";
    await scene.history.goToTime("2000-01-01T00:00:00.000000Z");
    expect(scene.reader.error).toContain("could not be read");
  });

  test("leads to that line", async () => {
    const { history, view, peer, reader } = await open();
    await history.goToTime((peer.lines[1233] ?? "").slice(0, 27));
    expect([view.cursor, view.cursorRow, view.isRevealing, reader.error]).toEqual([1234, 1233, true, ""]);
  });
});
