import { expect, test } from "vitest";
import { partsOf } from "../src/history/view/line-text.ts";

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
