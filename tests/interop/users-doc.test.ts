/** docs/reference/users.md speaks of the page, too, whose own tests run where there are no files. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keysKept } from "../../apps/web/src/streams/keys.ts";

test("the manual says how many keys the page keeps", () => {
  const doc = readFileSync(new URL("../../docs/reference/users.md", import.meta.url), "utf8").replaceAll(/\s+/g, " ");
  expect(doc).toMatch(
    new RegExp(`The page keeps keys in the browser's storage.*: at most ${keysKept}, one for a name`),
  );
});
