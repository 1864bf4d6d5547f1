import { expect, test } from "vitest";
import { hexCell } from "../src/inspector/bytes/hex.ts";

test("a byte is a hex pair and a character, dashes where it is not kept", () => {
  const cells = [0x61, 0x20, 0x0a, 0x00, 0xc3, undefined].map(hexCell);
  expect(cells.map(({ hex }) => hex)).toEqual(["61", "20", "0a", "00", "c3", "--"]);
  expect(cells.map(({ character }) => character).join("")).toBe("a ↵·· ");
});
