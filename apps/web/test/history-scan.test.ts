import { describe, expect, test } from "vitest";
import { anyLine } from "../src/history/search/line-filter.ts";
import type { LineFilter } from "../src/history/search/line-filter.ts";
import { HistoryScan } from "../src/history/search/history-scan.svelte.ts";
import { historyPageLines, surveyBlockLines } from "../src/limits.ts";
import { openLiveScene } from "./app-fixture.ts";
import type { Scene } from "./app-fixture.ts";

async function open(lines: number, filter: Partial<LineFilter>) {
  const scene = await openLiveScene(lines);
  return { ...scene, survey: new HistoryScan(scene.history.current, { ...anyLine, ...filter }) };
}

/** What a survey that has looked at everything must have found. */
function expectFound({ peer, survey }: Scene & { survey: HistoryScan }, text: string): void {
  const expected = peer.lines.flatMap((line, index) => (line.includes(text) ? [`${index + 1} ${line}`] : []));
  const found = Array.from({ length: survey.matches.count }, (_, index) => survey.matches.at(index));
  expect(found.map((match) => `${match?.position} ${match?.line}`)).toEqual(expected);
}

describe("a survey", () => {
  test("looks at the newest lines that are held, and says how far back that is", async () => {
    const { survey } = await open(3 * historyPageLines, { text: "otter 29" });
    expect([survey.from, survey.isWhole]).toEqual([2 * historyPageLines + 3, false]);
    expect(survey.matches.count).toBe(100);
  });

  test("finds everything when it looks back, over more than one block", async () => {
    const scene = await open(surveyBlockLines + 3 * historyPageLines, { text: "otter 12" });
    await scene.survey.lookBack(scene.exchanges, "brick");
    expect(scene.survey.isWhole).toBe(true);
    expectFound(scene, "otter 12");
  });

  test("stays right while lines are written and deleted", async () => {
    const scene = await open(3 * historyPageLines, { text: "otter 2" });
    scene.peer.delete(2 * historyPageLines + 500);
    let deletes = 2;
    scene.peer.beforeAnswer = ({ operation }) => {
      if (operation === 2 && deletes-- > 0) scene.peer.delete(2);
    };
    const looking = scene.survey.lookBack(scene.exchanges, "brick");
    scene.peer.append("otter 2 to come");
    await looking;
    await expect.poll(() => scene.history.current.last).toBe(scene.peer.lines.length);
    expectFound(scene, "otter 2");
  });

  test("stops when asked to, and goes on from there", async () => {
    const scene = await open(2 * surveyBlockLines, { text: "otter 12" });
    const looking = scene.survey.lookBack(scene.exchanges, "brick");
    await expect.poll(() => scene.survey.progress, { interval: 1 }).toBeGreaterThan(0);
    scene.survey.stop(scene.exchanges);
    await scene.survey.lookBack(scene.exchanges, "brick");
    await looking;
    expect(scene.survey.isWhole).toBe(true);
    expectFound(scene, "otter 12");
  });

  test("looks no further back than the times that are wanted", async () => {
    const scene = await open(2 * surveyBlockLines, {});
    const since = (scene.peer.lines[2 * surveyBlockLines - 1500] ?? "").slice(0, 27);
    const survey = new HistoryScan(scene.history.current, { ...anyLine, since });
    await survey.lookBack(scene.exchanges, "brick");
    expect([survey.isWhole, survey.from]).toEqual([true, surveyBlockLines - historyPageLines + 3]);
    // Three lines of the page's own stand behind those of the peer, and then the one of the block.
    expect(survey.matches.count).toBe(1500 + 4);
  });

  test("counts lines by user and by operation", async () => {
    const scene = await openLiveScene(20);
    const { tallies } = new HistoryScan(scene.history.current, anyLine, false);
    // The page itself has asked for the operations, to follow, and for the lines before.
    expect(Object.fromEntries(tallies.user.series)).toEqual({ otter: 20, brick: 3 });
    scene.peer.append("heron 2");
    await expect.poll(() => tallies.operation.series.get("2")).toBe(2);
  });
});
