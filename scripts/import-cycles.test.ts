import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("import-cycles.mjs", import.meta.url));

async function check(files: Readonly<Record<string, string>>): Promise<{ failed: boolean; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-cycles-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const result = await new Promise<{ failed: boolean; text: string }>((resolve) =>
    execFile(process.execPath, [script, folder], (error, stdout, stderr) =>
      resolve({ failed: error !== null, text: stdout + stderr }),
    ),
  );
  await rm(folder, { recursive: true });
  return result;
}

test.each([
  ["of plain imports", 'import { b } from "./b.ts";', 'export {\n  a,\n} from "./a.ts";'],
  ["through a dynamic import", 'import "./b.ts";', 'export const load = () => import("./a.ts");'],
])("a circle %s is found", async (_, a, b) => {
  const { failed, text } = await check({ "a.ts": a, "b.ts": b, "c.svelte": 'import A from "./a.ts";' });
  expect(failed).toBe(true);
  expect(text).toContain("a.ts -> b.ts -> a.ts");
});

test("an import of types alone closes no circle", async () => {
  const { failed, text } = await check({
    "a.ts": 'import { b } from "./b.ts";\nexport type A = string;',
    "b.ts": 'import type { A } from "./a.ts";\nexport type B = import("./a.ts").A;',
  });
  expect([failed, text]).toEqual([false, "No import cycle in 2 files.\n"]);
});
