import { encodeText } from "@wirebook/protocol";
import { parseScenario, writeScenario } from "@wirebook/scenario";
import { expect, test } from "vitest";
import { loosen, varyingLines } from "../src/scenario/scenario-text.ts";

test("what the library says varies is found, and loosened one by one or all at once", () => {
  const bytes = encodeText("220 ready at 2026-11-29 01:02:03\r\n250 ok\r\n250 queued as 4f2a9c81d\r\n");
  const event = { kind: "data", isFromTarget: true, atMs: 0, byteCount: bytes.length, bytes } as const;
  const text = writeScenario([event], { isWithServer: false });
  const varying = varyingLines(text);
  expect(varying.map(({ what, loose }) => [what, loose])).toEqual([
    ["a date", "< 220 ready at *"],
    ["an id", "< 250 queued as *"],
  ]);
  const lines = text.split("\n");
  expect(varying.map(({ line }) => lines[line - 1])).toEqual([
    "< 220 ready at 2026-11-29 01:02:03",
    "< 250 queued as 4f2a9c81d",
  ]);
  const [, second] = varying;
  expect(loosen(text, second === undefined ? [] : [second])).toContain("01:02:03\n< 250 ok\n< 250 queued as *\n");
  const loose = loosen(text, varying);
  expect(varyingLines(loose)).toEqual([]);
  expect(loose).toMatch(/\n< 220 ready at \*\n< 250 ok\n< 250 queued as \*\n$/);
  expect(parseScenario(loose)).toHaveProperty("scenario");
});
