import { expect, test } from "vitest";
import { decodeShares, Panes, paneWidthMin } from "../src/ui/panes.svelte.ts";
import type { Pane } from "../src/ui/panes.svelte.ts";

const widths: Readonly<Record<Pane, number>> = { conversation: 400, inspector: 600, history: 400 };

test("a divider takes from one neighbour what it gives to the other, and leaves the third as it is", () => {
  const panes = new Panes();
  panes.divide("conversation", "inspector", 500, (pane) => widths[pane]);
  expect(panes.track("conversation")).toBe("minmax(300px, 500fr)");
  expect(panes.track("inspector")).toBe("minmax(340px, 500fr)");
  expect(panes.track("history")).toBe("minmax(300px, 400fr)");
});

test("no pane becomes narrower than it can be read", () => {
  const panes = new Panes();
  panes.divide("inspector", "history", 0, (pane) => widths[pane]);
  expect(panes.track("inspector")).toBe(`minmax(340px, ${paneWidthMin.inspector}fr)`);
  panes.divide("inspector", "history", 5000, (pane) => widths[pane]);
  expect(panes.track("history")).toBe(`minmax(300px, ${paneWidthMin.history}fr)`);
});

test("a pane that is out of sight keeps its share of the room", () => {
  const panes = new Panes();
  panes.fold("history", true);
  panes.divide("conversation", "inspector", 720, (pane) => ({ ...widths, conversation: 600, history: 36 })[pane]);
  // 28 of 72 parts, as it was when the other two had 1,200 pixels.
  expect(panes.track("history")).toMatch(/^minmax\(300px, 466\.6+7?fr\)$/);
});

test("kept widths are used only when they are three positive numbers", () => {
  expect(decodeShares("300 420.5 280")).toEqual({ conversation: 300, inspector: 420.5, history: 280 });
  for (const kept of [undefined, "", "300 420", "300 420 280 1", "300 -1 280", "a b c", "Infinity 1 1"])
    expect(decodeShares(kept), kept).toBeUndefined();
});
