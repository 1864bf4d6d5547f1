import { describe, expect, test, vi } from "vitest";
import { createMatcher, parseFilter } from "../src/history/search/filter.ts";
import { HistoryScan } from "../src/history/search/history-scan.svelte.ts";
import { historyLinesKept, historyPageLines, matchesKept, scanBlockLines } from "../src/limits.ts";
import { contentsOf, openLiveScene } from "./app-fixture.ts";
import type { Scene } from "./app-fixture.ts";

// The same proportions with a hundredth of the lines.
vi.mock("../src/limits.ts", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  historyLinesKept: 1500,
  historyPageLines: 100,
  matchesKept: 400,
  scanBlockLines: 500,
  scanSliceLines: 200,
}));

async function open(lines: number, text: string) {
  const scene = await openLiveScene(lines);
  return { ...scene, scan: scanFor(scene, text) };
}

function scanFor({ reader, cache }: Scene, text: string): HistoryScan {
  const typed = parseFilter(text, "utc");
  if (typed.kind !== "filter") throw new Error(JSON.stringify(typed));
  return new HistoryScan(reader, cache, createMatcher(typed.filter), typed.filter.since);
}

async function untilRead(scan: HistoryScan): Promise<void> {
  await expect.poll(() => scan.isReading, { interval: 1, timeout: 10_000 }).toBe(false);
}

/** What a finished scan must have found. */
function expectFound({ peer, scan }: Scene & { scan: HistoryScan }, text: string): void {
  const expected = peer.lines.flatMap((line, index) => (line.includes(text) ? [`${index + 1} ${line}`] : []));
  const found = Array.from({ length: scan.last }, (_, index) => scan.at(index + 1));
  expect(found.map((match) => `${match?.position} ${match?.line}`)).toEqual(expected);
}

describe("a scan", () => {
  test("has looked at the newest lines that are held before it reads any", async () => {
    const { scan } = await open(3 * historyPageLines, '"otter 29"');
    expect([scan.scanned, scan.isWhole, scan.isReading]).toEqual([historyPageLines + 1, false, true]);
    expect(scan.last).toBe(10);
  });

  test("finds everything by itself, over more than one block, and what was read is held", async () => {
    const scene = await open(scanBlockLines + 3 * historyPageLines, '"otter 12"');
    await untilRead(scene.scan);
    expect(scene.scan.isWhole).toBe(true);
    expectFound(scene, "otter 12");
    const { length } = scene.peer.asked;
    const again = scanFor(scene, '"otter 13"');
    await untilRead(again);
    expectFound({ ...scene, scan: again }, "otter 13");
    expect(scene.peer.asked).toHaveLength(length);
  });

  test("holds no more of a history than fits, and finds everything in it", async () => {
    const scene = await open(historyLinesKept + historyPageLines, '"otter 14"');
    await untilRead(scene.scan);
    expectFound(scene, "otter 14");
    expect(contentsOf(scene.cache).filter((line) => line !== undefined).length).toBeLessThanOrEqual(historyLinesKept);
  });

  test("stays right while lines are written and deleted", async () => {
    const scene = await open(3 * historyPageLines, '"otter 2"');
    scene.peer.delete(2.5 * historyPageLines);
    scene.peer.beforeAnswer = ({ operation }) => operation === 2 && scene.peer.delete(2);
    scene.peer.afterAnswer = ({ operation }) => operation === 2 && scene.peer.delete(9);
    scene.peer.append("otter 2 to come");
    await untilRead(scene.scan);
    await expect.poll(() => scene.cache.last).toBe(scene.peer.lines.length);
    expectFound(scene, "otter 2");
  });

  test("looks no further back than the times that are wanted", async () => {
    const scene = await openLiveScene(2 * scanBlockLines);
    const since = (scene.peer.lines[2 * scanBlockLines - 150] ?? "").slice(0, 27);
    const scan = scanFor(scene, `since:${since}`);
    await untilRead(scan);
    expect(scan.isWhole).toBe(true);
    expect(scan.scanned).toBeLessThan(scanBlockLines + 2 * historyPageLines);
    // Three lines of the page's own stand behind those of the peer, and then the one of the block.
    expect(scan.last).toBe(150 + 4);
  });

  test("keeps as many matches as its bound, the newest, and stops there", async () => {
    const scene = await open(3 * matchesKept, "otter");
    await untilRead(scene.scan);
    expect([scene.scan.last, scene.scan.isFull, scene.scan.isWhole]).toEqual([matchesKept, true, false]);
    for (let n = 0; n < matchesKept / 5; n++) scene.peer.append("otter more");
    await expect.poll(() => scene.cache.last).toBe(scene.peer.lines.length);
    expect(scene.scan.last).toBeLessThanOrEqual(matchesKept * 1.1);
    expect(scene.scan.at(scene.scan.last)?.position).toBe(scene.peer.lines.length);
  });

  test("finds the first match at a position or behind it", async () => {
    const { scan } = await open(100, '"otter 5"');
    expect([1, 5, 6, 50, 59, 60].map((position) => scan.rankFrom(position))).toEqual([1, 1, 2, 2, 11, 12]);
  });
});
