import fc from "fast-check";
import { expect, test } from "vitest";
import { RowLayout } from "../src/history/view/row-layout.ts";

/** What the rows of items 1 to `last` say: `d3` a day before item 3, `f2-4` a fold, `3` an item. */
function describe(layout: RowLayout, last: number): string {
  return Array.from({ length: layout.count(1, last) }, (_, row) => {
    const found = layout.rowAt(row, 1, last);
    if (found.kind === "fold") return `f${found.at}-${found.to}`;
    return found.kind === "day" ? `d${found.at}` : String(found.at);
  }).join(" ");
}

test("without days and folds an item is a row", () => {
  expect(describe(new RowLayout(), 4)).toBe("1 2 3 4");
  expect(new RowLayout().count(1, 0)).toBe(0);
});

test("a day has a row before its first item", () => {
  const layout = new RowLayout();
  layout.addDay(3);
  layout.addDay(3);
  expect(describe(layout, 4)).toBe("1 2 d3 3 4");
  expect(layout.rowOf(3, 1)).toBe(3);
});

test("neighbours fold into one row, which opens and closes", () => {
  const layout = new RowLayout();
  for (const item of [5, 2, 4, 3]) layout.fold(item);
  expect(describe(layout, 6)).toBe("1 f2-5 6");
  layout.toggle(4);
  expect(describe(layout, 6)).toBe("1 f2-5 2 3 4 5 6");
  expect([2, 3, 5].map((item) => layout.rowOf(item, 1))).toEqual([2, 3, 5]);
  layout.toggle(2);
  expect([2, 3, 5, 6].map((item) => layout.rowOf(item, 1))).toEqual([1, 1, 1, 2]);
});

test("no fold spans two days, whichever of them is known first", () => {
  const layout = new RowLayout();
  layout.addDay(4);
  for (const item of [2, 3, 4, 5]) layout.fold(item);
  expect(describe(layout, 6)).toBe("1 f2-3 d4 f4-5 6");
  layout.addDay(3);
  expect(describe(layout, 6)).toBe("1 f2-2 d3 f3-3 d4 f4-5 6");
});

test("deleted items take their place with them, and what they parted is joined", () => {
  const layout = new RowLayout();
  for (const item of [2, 3, 5, 6]) layout.fold(item);
  layout.addDay(8);
  layout.addDay(9);
  layout.delete(4, 8);
  expect(describe(layout, 8)).toBe("1 f2-5 6 d7 7 d8 8");
  layout.delete(7, 7);
  expect(describe(layout, 7)).toBe("1 f2-5 6 d7 7");
  layout.delete(7, 6);
  for (let n = 5; n >= 2; n--) layout.delete(2, n);
  expect(describe(layout, 2)).toBe("1 2");
});

/** The same, one item after the other. */
class Simple {
  items: { isDay: boolean; isFolded: boolean; isOpen: boolean }[] = [];

  describe(): string {
    const words: string[] = [];
    for (let at = 0; at < this.items.length; at++) {
      const item = this.items[at];
      if (item?.isDay === true) words.push(`d${at + 1}`);
      if (item?.isFolded !== true) words.push(String(at + 1));
      else {
        let to = at;
        while (this.items[to + 1]?.isFolded === true && this.items[to + 1]?.isDay === false) to += 1;
        words.push(`f${at + 1}-${to + 1}`);
        at = to;
      }
    }
    return words.join(" ");
  }
}

test("whatever is added and deleted, in whatever order, gives the rows that one would count by hand", () => {
  const step = fc.record({ kind: fc.constantFrom("day", "fold", "delete"), item: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const layout = new RowLayout();
      const simple = new Simple();
      simple.items = Array.from({ length: 30 }, () => ({ isDay: false, isFolded: false, isOpen: false }));
      for (const { kind, item } of steps) {
        const own = simple.items[item - 1];
        if (own === undefined) continue;
        if (kind === "day" && item > 1) {
          own.isDay = true;
          layout.addDay(item);
        } else if (kind === "fold") {
          own.isFolded = true;
          layout.fold(item);
        } else if (kind === "delete") {
          simple.items.splice(item - 1, 1);
          // A day that loses its first item begins with the next one.
          const next = simple.items[item - 1];
          if (own.isDay && next !== undefined && item > 1) next.isDay = true;
          if (simple.items[0] !== undefined) simple.items[0].isDay = false;
          layout.delete(item, simple.items.length);
        }
        const last = simple.items.length;
        expect(describe(layout, last)).toBe(simple.describe());
        for (let row = 0; row < layout.count(1, last); row++) {
          const found = layout.rowAt(row, 1, last);
          if (found.kind === "line") expect(layout.rowOf(found.at, 1)).toBe(row);
        }
      }
    }),
  );
});
