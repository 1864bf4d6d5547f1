import { describe, expect, test } from "vitest";
import { TimeRangeSelection } from "../src/history/search/time-range-selection.svelte.ts";

describe("the stretch of a plot that is selected", () => {
  test("begins at the newest column, which the first key shows", () => {
    const selection = new TimeRangeSelection(() => 40);
    expect([selection.at, selection.chosen]).toEqual([undefined, undefined]);
    expect(selection.move("ArrowLeft", false)).toBe(true);
    expect(selection.at).toBe(39);
    selection.move("ArrowLeft", false);
    selection.move("PageDown", false);
    expect(selection.at).toBe(34);
  });

  test("grows with Shift from where it began, and ends with a move without it", () => {
    const selection = new TimeRangeSelection(() => 40);
    selection.move("Home", false);
    selection.move("Home", false);
    selection.move("ArrowRight", true);
    selection.move("ArrowRight", true);
    expect(selection.chosen).toEqual({ from: 0, to: 2 });
    selection.move("ArrowRight", false);
    expect([selection.at, selection.chosen]).toEqual([3, undefined]);
    selection.choose();
    expect(selection.chosen).toEqual({ from: 3, to: 3 });
  });

  test("is dragged in both directions, and never beyond the columns", () => {
    let columns = 10;
    const selection = new TimeRangeSelection(() => columns);
    selection.begin(6);
    selection.extend(-3);
    expect(selection.chosen).toEqual({ from: 0, to: 6 });
    selection.extend(12);
    expect(selection.chosen).toEqual({ from: 6, to: 9 });
    columns = 8;
    expect(selection.at).toBe(7);
    selection.clear();
    expect([selection.at, selection.chosen]).toEqual([7, undefined]);
  });

  test("leaves other keys alone", () => {
    const selection = new TimeRangeSelection(() => 10);
    expect(selection.move("x", false)).toBe(false);
    expect(selection.at).toBeUndefined();
  });
});
