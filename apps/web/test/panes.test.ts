import { afterEach, expect, test, vi } from "vitest";
import { Panes, paneWidthMin } from "../src/ui/layout.svelte.ts";

test("a divider takes from one neighbour what it gives to the other, and leaves the third as it is", () => {
  const panes = new Panes();
  panes.divide("conversation", "inspector", 500, 1000);
  expect(panes.track("conversation")).toBe("minmax(300px, 36fr)");
  expect(panes.track("inspector")).toBe("minmax(340px, 36fr)");
  expect(panes.track("history")).toBe("minmax(300px, 28fr)");
  panes.reset();
  expect(panes.track("conversation")).toBe("minmax(300px, 30fr)");
});

test("no pane becomes narrower than it can be read", () => {
  const panes = new Panes();
  panes.divide("inspector", "history", 0, 1000);
  expect(panes.track("inspector")).toBe(`minmax(340px, ${(70 * paneWidthMin.inspector) / 1000}fr)`);
  panes.divide("inspector", "history", 5000, 1000);
  expect(panes.track("history")).toBe(`minmax(300px, ${70 - (70 * (1000 - paneWidthMin.history)) / 1000}fr)`);
});

function trackOf(kept: string): string {
  vi.stubGlobal("localStorage", { getItem: () => kept });
  return new Panes().track("inspector");
}

test("kept widths are used only when they are three positive numbers", () => {
  expect(trackOf('{"conversation":300,"inspector":420.5,"history":280}')).toBe("minmax(340px, 420.5fr)");
  for (const kept of ["", "300 420 280", '{"conversation":1,"inspector":2}', "[1,2,3]"])
    expect(trackOf(kept), kept).toBe("minmax(340px, 42fr)");
  expect(trackOf('{"conversation":1,"inspector":-2,"history":3}')).toBe("minmax(340px, 42fr)");
});

afterEach(() => void vi.unstubAllGlobals());
