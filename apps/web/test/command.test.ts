import { expect, test } from "vitest";
import { isSingleKey, matching, opensPalette } from "../src/ui/commands.ts";
import type { Command, Press } from "../src/ui/commands.ts";

const command = (id: string, label: string, key?: string): Command => ({
  id,
  label,
  run: () => {},
  ...(key === undefined ? {} : { key }),
});
const commands = [command("history", "Go to the history", "h"), command("filter", "Filter the history", "/")];
const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  ...more,
});

const found = (typed: string): string[] => matching(commands, typed).map(({ id }) => id);

test("every word that was typed must stand in the label, in any order and case", () => {
  expect(found("")).toEqual(["history", "filter"]);
  expect(found("  HIST go ")).toEqual(["history"]);
  expect(found("history theme")).toEqual([]);
});

test("what people type besides the label is found too, behind what the labels say", () => {
  const others: Command[] = [
    { id: "export", label: "Export & share", words: "download file", run: () => {} },
    { id: "load", label: "Download a saved session", run: () => {} },
  ];
  expect(matching(others, "download").map(({ id }) => id)).toEqual(["load", "export"]);
  expect(matching(others, "share file").map(({ id }) => id)).toEqual(["export"]);
  expect(matching(others, "undefined")).toEqual([]);
});

test("a single key is a command only by itself and outside of fields", () => {
  expect(isSingleKey(press("/"), false)).toBe(true);
  expect(isSingleKey(press("/"), true)).toBe(false);
  expect(isSingleKey(press("h", { ctrlKey: true }), false)).toBe(false);
  expect(isSingleKey(press("h", { isComposing: true }), false)).toBe(false);
  for (const key of ["Tab", "Escape", " ", "ArrowDown"]) expect(isSingleKey(press(key), false)).toBe(false);
});

test("the palette opens with Ctrl or ⌘ and K", () => {
  expect(opensPalette(press("k", { ctrlKey: true }))).toBe(true);
  expect(opensPalette(press("K", { metaKey: true }))).toBe(true);
  expect(opensPalette(press("k"))).toBe(false);
  expect(opensPalette(press("k", { ctrlKey: true, altKey: true }))).toBe(false);
});
