/** What `npm start` makes of packages that are missing. npm itself is stood in for: the tests need no registry. */

import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../test-support/run.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** A checkout with these packages of the real one, and with an npm that only writes down what it is told. */
async function makeCheckout(...packages: string[]) {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-checkout-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const at = (...names: string[]): string => join(folder, ...names);
  for (const name of ["package.json", "package-lock.json", "scripts/installed.mjs", "scripts/stamp-packages.mjs"]) {
    await mkdir(dirname(at(name)), { recursive: true });
    await copyFile(join(root, name), at(name));
  }
  for (const name of ["node_modules", "apps/web", "bin"]) await mkdir(at(name), { recursive: true });
  for (const name of packages) await symlink(join(root, "node_modules", name), at("node_modules", name));
  await writeFile(at("bin/npm"), `#!/bin/sh\necho "$@" >> ${at("told")}\n`, { mode: 0o755 });
  const script = `process.env.PATH = ${JSON.stringify(at("bin"))}; (await import("./scripts/installed.mjs")).installPackages()`;
  return {
    stamp: at("node_modules/.wirebook-installed"),
    told: () => readFile(at("told"), "utf8"),
    install: () =>
      run("sh", ["-c", 'cd "$0" && exec "$@"', folder, process.execPath, "--input-type=module", "-e", script]),
    stampPackages: () => run(process.execPath, [at("scripts/stamp-packages.mjs")]),
  };
}

test("asks npm for all packages, whatever its configuration leaves out, and once", async () => {
  const checkout = await makeCheckout(".bin", "vite");
  expect(await checkout.install()).toMatchObject({ code: 0, stderr: "" });
  expect(await checkout.told()).toMatch(/^ci --include=dev --include=optional --include=peer --bin-links .*\n$/);
  expect(await checkout.install()).toMatchObject({ code: 0, stdout: "" });
  expect((await checkout.told()).split("\n")).toHaveLength(2);
});

test("says what to type where npm runs no install scripts", async () => {
  const checkout = await makeCheckout("vite");
  const { code, stderr } = await checkout.install();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^wirebook: .*ignore-scripts.*; type once: npm run \w+ --ignore-scripts=false\n$/);
  expect(existsSync(checkout.stamp)).toBe(false);
});

test.each([
  [[".bin", "vite"], true],
  [[".bin"], false],
  [["vite"], false],
])("an installation by hand of %j is taken for whole: %s", async (packages, isWhole) => {
  const checkout = await makeCheckout(...packages);
  await checkout.stampPackages();
  expect(existsSync(checkout.stamp)).toBe(isWhole);
});
