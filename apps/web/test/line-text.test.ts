import { expect, test } from "vitest";
import { encodeRequestEntry } from "@wirebook/protocol";
import { isBackground, partsOf } from "../src/history/view/line-text.ts";

const start = "2026-11-22T20:31:05.123456Z 127.0.0.1";

test.each([
  ["brick 2", { user: "brick", rest: "2" }],
  ["brick", { user: "brick", rest: "" }],
  ["   ", { user: "", rest: '"   "' }],
  ["\t\u3000 ", { user: "", rest: '"\\t\u3000 "' }],
  ["", { user: "", rest: '""' }],
])("a row shows something for the message %j", (message, parts) => {
  expect(partsOf(`${start} ${JSON.stringify(message)}`)).toMatchObject({ kind: "request", ...parts });
});

test.each([
  ["brick 5", true],
  ["brick~s3cret 5", true],
  ["brick 2 -10 -1 snapshot", true],
  ["brick 5 1", false],
  // Words of a user that end as such a request does; the line has their quote behind a backslash.
  ['ada says "brick 5', false],
  ['ada"brick 5', false],
])("the message %j is a background request: %s", (message, expected) => {
  expect(isBackground(encodeRequestEntry(start.slice(0, 27), "127.0.0.1", message, false))).toBe(expected);
});
