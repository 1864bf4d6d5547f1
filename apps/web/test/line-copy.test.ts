import { expect, test, vi } from "vitest";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { describeCopy, heldText, readText } from "../src/history/view/line-copy.ts";
import { copiedLinesMax, historyPageLines } from "../src/limits.ts";
import { openLiveScene } from "./app-fixture.ts";

// The same proportions with a hundredth of the lines.
vi.mock("../src/limits.ts", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  historyLinesKept: 1500,
  historyPageLines: 100,
  scanBlockLines: 500,
  copiedLinesMax: 1000,
}));

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
  expect(await readText(streams, view, history, selected)).toBe(expected);
});

test("of more than are copied at once, the newest are", async () => {
  const { history, streams, view, peer, selected } = await selectAll(copiedLinesMax + 10);
  const expected = peer.lines.slice(-copiedLinesMax).map((line) => `${line}\n`);
  expect((await readText(streams, view, history, selected)) === expected.join("")).toBe(true);
  expect(describeCopy(selected)).toBe("Copied the newest 1,000 lines of 1,013 selected lines.");
});
