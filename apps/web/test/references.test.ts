import { expect, test } from "vitest";
import { rfc, rule } from "../src/inspector/notes/notes.ts";

test("a section of an RFC is a link, and a rule of this project names its document", () => {
  expect(rfc(6455, "5.3").href).toBe("https://www.rfc-editor.org/rfc/rfc6455#section-5.3");
  expect(rule("W", 8)).toEqual({ label: "[W-8]", title: "Rule W-8 (docs/reference/protocol.md)" });
});
