import { expect, test } from "vitest";
import { commandFor, matching, opensPalette } from "../src/ui/commands.ts";
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

test("a single key runs its command only by itself and outside of fields", () => {
  expect(commandFor(commands, press("/"), false)?.id).toBe("filter");
  expect(commandFor(commands, press("/"), true)).toBeUndefined();
  expect(commandFor(commands, press("h", { ctrlKey: true }), false)).toBeUndefined();
  expect(commandFor(commands, press("h", { isComposing: true }), false)).toBeUndefined();
  expect(commandFor(commands, press("q"), false)).toBeUndefined();
});

test("the palette opens with Ctrl or ⌘ and K", () => {
  expect(opensPalette(press("k", { ctrlKey: true }))).toBe(true);
  expect(opensPalette(press("K", { metaKey: true }))).toBe(true);
  expect(opensPalette(press("k"))).toBe(false);
  expect(opensPalette(press("k", { ctrlKey: true, altKey: true }))).toBe(false);
});
