import { expect, test, vi } from "vitest";
import { openScene } from "./app-fixture.ts";

test("filters with every key, and the address follows when the typing settles", async () => {
  const written: string[] = [];
  vi.stubGlobal("location", { pathname: "/page", search: "" });
  vi.stubGlobal("history", { replaceState: (_: null, __: string, address: string) => written.push(address) });
  const { search, view } = openScene();
  search.text = "user:o";
  expect(view.scan).toBeDefined();
  search.text = "user:otter";
  await expect.poll(() => written).toEqual(["#filter=user%3Aotter"]);
  search.text = "";
  expect(view.scan).toBeUndefined();
  await expect.poll(() => written).toEqual(["#filter=user%3Aotter", "/page"]);
  vi.unstubAllGlobals();
});

test("keeps the filter while what is typed makes no sense, and lists all lines for a jump", () => {
  const { search, view } = openScene();
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
  const { search } = openScene();
  expect(search.takeAddress("#filter=user%3Aotter")).toBe(true);
  expect(search.text).toBe("user:otter");
  expect(search.takeAddress("#lesson=x")).toBe(false);
  expect(search.text).toBe("user:otter");
});
