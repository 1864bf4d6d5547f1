import { encodeText } from "@wirebook/protocol";
import { parseScenario, writeScenario } from "@wirebook/scenario";
import { expect, test } from "vitest";
import { countVarying, loosen } from "../src/scenario/scenario-text.ts";

test("what the library says varies is counted, and loosened at once", () => {
  const bytes = encodeText("220 ready at 2026-11-29 01:02:03\r\n250 ok\r\n250 queued as 4f2a9c81d\r\n");
  const event = { kind: "data", isFromTarget: true, atMs: 0, byteCount: bytes.length, bytes } as const;
  const text = writeScenario([event], { isWithServer: false });
  expect(countVarying(text)).toBe(2);
  const loose = loosen(text);
  expect(countVarying(loose)).toBe(0);
  expect(loose).toMatch(/\n< 220 ready at \*\n< 250 ok\n< 250 queued as \*\n$/);
  expect(parseScenario(loose)).toHaveProperty("scenario");
});
