import { expect, test } from "vitest";
import { History } from "../src/history/replica/history.svelte.ts";
import { Search } from "../src/history/search/search.svelte.ts";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { openScene } from "./app-fixture.ts";

function open() {
  const written: string[] = [];
  const history = new History();
  const view = new HistoryView(history);
  const search = new Search(openScene().streams, history, view, { zone: "utc" }, (fragment) => {
    written.push(fragment);
  });
  return { search, view, written };
}

test("filters with every key, and the address follows when the typing settles", async () => {
  const { search, view, written } = open();
  search.text = "user:o";
  expect(view.scan).toBeDefined();
  search.text = "user:otter";
  await expect.poll(() => written).toEqual(["#filter=user%3Aotter"]);
  search.text = "";
  expect(view.scan).toBeUndefined();
  await expect.poll(() => written).toEqual(["#filter=user%3Aotter", ""]);
});

test("keeps the filter while what is typed makes no sense, and lists all lines for a jump", () => {
  const { search, view } = open();
  search.text = "user:otter";
  const { scan } = view;
  search.text = "user:otter since:n";
  expect(search.typed.kind).toBe("problem");
  expect(scan).toBeDefined();
  expect(view.scan).toBe(scan);
  search.text = ":500";
  expect(view.scan).toBeUndefined();
});

test("takes the filter of the address, and leaves an address about something else alone", () => {
  const { search } = open();
  expect(search.take("#filter=user%3Aotter")).toBe(true);
  expect(search.text).toBe("user:otter");
  expect(search.take("#lesson=x")).toBe(false);
  expect(search.text).toBe("user:otter");
});
