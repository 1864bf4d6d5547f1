import { expect, test } from "vitest";
import { History } from "../src/history/replica/history.svelte.ts";
import { Search } from "../src/history/search/search.svelte.ts";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { openScene } from "./app-fixture.ts";

function open() {
  const written: (readonly [string, boolean])[] = [];
  const history = new History();
  const view = new HistoryView(history);
  const search = new Search(openScene().streams, history, view, { zone: "utc" }, (fragment, isNew) => {
    written.push([fragment, isNew]);
  });
  return { search, view, written };
}

test("filters with every key, and the address has one entry for all of them", async () => {
  const { search, view, written } = open();
  search.text = "user:o";
  expect(view.scan).toBeDefined();
  search.text = "user:otter";
  await expect.poll(() => written).toEqual([["#filter=user%3Aotter", true]]);
  search.text = "user:otter x";
  search.settle();
  search.text = "";
  search.settle();
  expect(written.slice(1)).toEqual([
    ["#filter=user%3Aotter%20x", false],
    ["", true],
  ]);
  expect(view.scan).toBeUndefined();
});

test("keeps the filter while what is typed makes no sense, and lists all lines for a jump", () => {
  const { search, view, written } = open();
  search.text = "user:otter";
  const { scan } = view;
  search.text = "user:otter since:n";
  expect(search.typed.kind).toBe("problem");
  expect(scan).toBeDefined();
  expect(view.scan).toBe(scan);
  search.text = ":500";
  expect(view.scan).toBeUndefined();
  search.settle();
  expect(written).toEqual([]);
});

test("takes the filter of the address, and gives it up when Back leads to an address without one", () => {
  const { search, written } = open();
  search.take("#filter=user%3Aotter");
  expect(search.text).toBe("user:otter");
  search.take("#lab");
  expect(search.text).toBe("user:otter");
  search.take("");
  expect(search.text).toBe("");
  search.settle();
  expect(written).toEqual([]);
});

test("what was typed stays as it was typed when its address comes back", () => {
  const { search, written } = open();
  search.text = "since:2026-11-22T20:31";
  search.settle();
  search.take(written[0]?.[0] ?? "");
  expect(search.text).toBe("since:2026-11-22T20:31");
});
