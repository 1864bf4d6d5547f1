import { describe, expect, test } from "vitest";
import { anyLine } from "../src/history/search/line-filter.ts";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { expectInStep, openLiveScene } from "./app-fixture.ts";

async function open(lines: number) {
  const scene = await openLiveScene(lines);
  const view = new HistoryView(scene.history, scene.exchanges);
  return { ...scene, view };
}

describe("what is seen of the history", () => {
  test("is every line, a row each", async () => {
    const { view, peer } = await open(20);
    expect([view.rows, view.positionAt(4), view.lineAt(4), view.rowOf(5)]).toEqual([23, 5, peer.lines[4], 4]);
  });

  test("stays with its lines when lines above are deleted", async () => {
    const scene = await open(20);
    scene.view.noteTop(9);
    scene.view.hold("cursor", 12);
    scene.view.hold("detailed", 4);
    scene.peer.delete(5);
    scene.peer.delete(1);
    await expectInStep(scene);
    expect([scene.view.topRow, scene.view.rowHeld("cursor"), scene.view.rowHeld("detailed")]).toEqual([
      7,
      10,
      undefined,
    ]);
    expect(scene.view.lineHeld("detailed")).toContain("otter 5");
  });

  test("is no longer where a line was seen, when a line above it was deleted meanwhile", async () => {
    const scene = await open(20);
    const seen = { position: 10, line: scene.peer.lines[9] ?? "" };
    expect(scene.view.rowSeen(seen)).toBe(9);
    scene.peer.append("otter more");
    await expectInStep(scene);
    expect(scene.view.rowSeen(seen)).toBe(9);
    scene.peer.delete(2);
    await expectInStep(scene);
    expect(scene.view.rowSeen(seen)).toBeUndefined();
  });

  test("is the lines that fit when there is a filter, and stays where it is when the filter goes", async () => {
    const { view } = await open(200);
    view.hold("cursor", 149);
    view.filter = { ...anyLine, text: "otter 15" };
    expect([view.rows, view.positionAt(0), view.rowHeld("cursor")]).toEqual([11, 15, 1]);
    view.noteTop(5);
    view.filter = anyLine;
    expect([view.rows, view.topRow, view.rowHeld("cursor")]).toEqual([203, 153, 149]);
  });

  test("counts the rows that came since the newest was seen", async () => {
    const scene = await open(20);
    scene.view.noteSeen();
    scene.peer.append("otter more");
    scene.peer.delete(2);
    await expectInStep(scene);
    expect(scene.view.unseen).toBe(2);
    scene.view.filter = { ...anyLine, text: "otter more" };
    expect(scene.view.unseen).toBe(1);
  });

  test("chooses nothing by a filter that makes no sense", async () => {
    const { view } = await open(20);
    view.filter = { ...anyLine, since: "noon" };
    expect([view.problem === undefined, view.rows]).toEqual([false, 23]);
  });
});
