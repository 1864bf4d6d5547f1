import { describe, expect, test } from "vitest";
import { anyLine } from "../src/history/search/line-filter.ts";
import type { LineFilter } from "../src/history/search/line-filter.ts";
import { HistoryScan } from "../src/history/search/history-scan.svelte.ts";
import { historyPageLines, scanBlockLines } from "../src/limits.ts";
import { openLiveScene } from "./app-fixture.ts";
import type { Scene } from "./app-fixture.ts";

async function open(lines: number, filter: Partial<LineFilter>) {
  const scene = await openLiveScene(lines);
  return { ...scene, scan: new HistoryScan(scene.exchanges, scene.history, { ...anyLine, ...filter }) };
}

/** What a finished scan must have found. */
function expectFound({ peer, scan }: Scene & { scan: HistoryScan }, text: string): void {
  const expected = peer.lines.flatMap((line, index) => (line.includes(text) ? [`${index + 1} ${line}`] : []));
  const found = Array.from({ length: scan.matches.count }, (_, index) => scan.matches.at(index));
  expect(found.map((match) => `${match?.position} ${match?.line}`)).toEqual(expected);
}

describe("a scan", () => {
  test("looks at the newest lines that are held, and says how far back that is", async () => {
    const { scan } = await open(3 * historyPageLines, { text: "otter 29" });
    expect([scan.from, scan.isWhole]).toEqual([2 * historyPageLines + 3, false]);
    expect(scan.matches.count).toBe(100);
  });

  test("finds everything when it looks back, over more than one block", async () => {
    const scene = await open(scanBlockLines + 3 * historyPageLines, { text: "otter 12" });
    await scene.scan.scanBack();
    expect(scene.scan.isWhole).toBe(true);
    expectFound(scene, "otter 12");
  });

  test("stays right while lines are written and deleted", async () => {
    const scene = await open(3 * historyPageLines, { text: "otter 2" });
    scene.peer.delete(2 * historyPageLines + 500);
    scene.peer.beforeAnswer = ({ operation }) => operation === 2 && scene.peer.delete(2);
    scene.peer.afterAnswer = ({ operation }) => operation === 2 && scene.peer.delete(9);
    const looking = scene.scan.scanBack();
    scene.peer.append("otter 2 to come");
    await looking;
    await expect.poll(() => scene.history.current.last).toBe(scene.peer.lines.length);
    expectFound(scene, "otter 2");
  });

  test("stops when asked to, and goes on from there", async () => {
    const scene = await open(2 * scanBlockLines, { text: "otter 12" });
    const looking = scene.scan.scanBack();
    await expect.poll(() => scene.scan.progress, { interval: 1 }).toBeGreaterThan(0);
    scene.scan.stop();
    await scene.scan.scanBack();
    await looking;
    expect(scene.scan.isWhole).toBe(true);
    expectFound(scene, "otter 12");
  });

  test("looks no further back than the times that are wanted", async () => {
    const scene = await open(2 * scanBlockLines, {});
    const since = (scene.peer.lines[2 * scanBlockLines - 1500] ?? "").slice(0, 27);
    const scan = new HistoryScan(scene.exchanges, scene.history, { ...anyLine, since });
    await scan.scanBack();
    expect([scan.isWhole, scan.from]).toEqual([true, scanBlockLines - historyPageLines + 3]);
    // Three lines of the page's own stand behind those of the peer, and then the one of the block.
    expect(scan.matches.count).toBe(1500 + 4);
  });

  test("counts lines by user and by operation", async () => {
    const scene = await openLiveScene(20);
    const { histograms } = new HistoryScan(scene.exchanges, scene.history, anyLine, false);
    // The page itself has asked for the operations, to follow, and for the lines before.
    expect(Object.fromEntries(histograms.user.series)).toEqual({ otter: 20, brick: 3 });
    scene.peer.append("heron 2");
    await expect.poll(() => histograms.operation.series.get("2")).toBe(2);
  });
});
