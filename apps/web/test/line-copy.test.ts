import { expect, test } from "vitest";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { describeCopy, heldText, readText } from "../src/history/view/line-copy.ts";
import { copiedLinesMax, historyPageLines } from "../src/limits.ts";
import { openLiveScene } from "./app-fixture.ts";

async function selectAll(lines: number) {
  const scene = await openLiveScene(lines);
  const view = new HistoryView(scene.history);
  view.showsBackground = true;
  view.selectAll();
  const selected = view.selectedLines;
  if (selected === undefined) throw new Error("nothing is selected");
  return { ...scene, view, selected };
}

test("selected lines are copied as the history has them", async () => {
  const { history, view, peer, selected } = await selectAll(20);
  expect(heldText(view, history, selected)).toBe(peer.lines.map((line) => `${line}\n`).join(""));
  expect(describeCopy(selected)).toBe("Copied 23 lines.");
});

test("lines that are not held are read", async () => {
  const { history, streams, view, peer, selected } = await selectAll(3 * historyPageLines);
  const expected = peer.lines.map((line) => `${line}\n`).join("");
  expect(heldText(view, history, selected)).toBeUndefined();
  expect(await readText(streams, history, selected)).toBe(expected);
});

test("of more than are copied at once, the newest are", async () => {
  const { history, streams, peer, selected } = await selectAll(copiedLinesMax + 10);
  const expected = peer.lines.slice(-copiedLinesMax).map((line) => `${line}\n`);
  expect((await readText(streams, history, selected)) === expected.join("")).toBe(true);
  expect(describeCopy(selected)).toBe("Copied the newest 100,000 lines of 100,013 selected lines.");
});
