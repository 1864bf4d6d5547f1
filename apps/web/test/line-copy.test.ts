import { expect, test, vi } from "vitest";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { copyOf } from "../src/history/view/line-copy.ts";
import { copiedLinesMax, historyPageLines } from "../src/limits.ts";
import { openLiveScene } from "./app-fixture.ts";

// The same proportions with a hundredth of the lines.
vi.mock("../src/limits.ts", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  historyPageLines: 20,
  copiedLinesMax: 30,
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
  const { history, view, peer, selected } = await selectAll(10);
  expect(copyOf(view, history, selected)).toEqual({
    text: peer.lines.map((line) => `${line}\n`).join(""),
    result: "Copied 13 lines.",
  });
});

test("those that are not held are not, and the sentence says so", async () => {
  const { history, view, peer, selected } = await selectAll(3 * historyPageLines);
  const { text, result } = copyOf(view, history, selected);
  const copied = text.split("\n").length - 1;
  expect(
    peer.lines
      .slice(-copied)
      .map((line) => `${line}\n`)
      .join(""),
  ).toBe(text);
  expect(result).toBe(
    `Copied the newest ${copied} lines of 63 selected lines. Scroll through the others first: they are not read yet.`,
  );
});

test("of more than are copied at once, the newest are", async () => {
  const { history, view, peer, selected } = await selectAll(60);
  history.current.put(1, peer.lines.slice(0, 60));
  const { text, result } = copyOf(view, history, selected);
  expect(text).toBe(
    peer.lines
      .slice(-copiedLinesMax)
      .map((line) => `${line}\n`)
      .join(""),
  );
  expect(result).toBe("Copied the newest 30 lines of 63 selected lines.");
});
