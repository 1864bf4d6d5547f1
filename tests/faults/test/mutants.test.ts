/** A break replaces a piece of the source; when the source changes, the break must change with it, or its control is none. */

import { readFileSync } from "node:fs";
import { beforeAll, expect, test, vi } from "vitest";
import { findModules } from "../../../bench/harness/modules.ts";

interface Replacement {
  readonly file: string;
  readonly from: string;
}

const { replacements } = vi.hoisted(() => ({ replacements: [] as Replacement[] }));

vi.mock("../framework/mutant.ts", () => ({
  replaceInSource: (file: string, from: string) => replacements.push({ file, from }),
}));

const breaks = await findModules(new URL("../mutants/", import.meta.url), ".ts");

beforeAll(() => {
  expect(breaks.size).toBeGreaterThan(0);
});

test.each([...breaks])("the break %s fits the source that it breaks", async (_name, url) => {
  replacements.length = 0;
  await import(url.href);
  for (const { file, from } of replacements) {
    const source = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
    expect(source.split(from).length - 1, `${JSON.stringify(from)} in ${file}`).toBe(1);
  }
});
