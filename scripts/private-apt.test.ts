/** What is unpacked, from a repository of two small packages on this machine. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { run } from "../test-support/run.ts";
import { unpackPackages } from "./private-apt.mjs";

/** A folder to unpack into, and a source of `wirebook-sample`, which needs `wirebook-library`. */
async function openRepository(): Promise<{
  readonly folder: string;
  readonly repository: string;
  readonly sources: string;
}> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-apt-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const repository = join(folder, "repository");
  const library = await makePackage(repository, "wirebook-library", "lib/library.txt", "");
  const sample = await makePackage(
    repository,
    "wirebook-sample",
    "usr/bin/sample",
    "Depends: wirebook-library, dpkg\n",
  );
  await writeFile(join(repository, "Packages"), `${library}\n${sample}\n`);
  // Not `file:`: apt reads those in place.
  const sources = `Types: deb\nURIs: copy:${repository}\nSuites: ./\nTrusted: yes\n`;
  return { folder: join(folder, "programs"), repository, sources };
}

/** Makes a package of one file; returns what an index says of it. */
async function makePackage(repository: string, name: string, file: string, depends: string): Promise<string> {
  const tree = join(repository, "made", name);
  await mkdir(join(tree, file, ".."), { recursive: true });
  await writeFile(join(tree, file), name);
  await mkdir(join(tree, "DEBIAN"));
  const text = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: tests\nDescription: sample\n${depends}`;
  await writeFile(join(tree, "DEBIAN", "control"), text);
  const archive = join(repository, `${name}.deb`);
  expect(await run("dpkg-deb", ["--root-owner-group", "--build", tree, archive])).toMatchObject({ code: 0 });
  const bytes = await readFile(archive);
  const hash = createHash("sha256").update(bytes).digest("hex");
  return `${text}Filename: ./${name}.deb\nSize: ${bytes.length}\nSHA256: ${hash}\n`;
}

const isDebian = existsSync("/usr/bin/apt-get");
describe("packages of Debian", isDebian ? declare : () => test.skip("SKIPPED: there is no apt-get", () => {}));

function declare(): void {
  test("come with what the machine lacks, and what is in /lib goes to /usr/lib", async () => {
    const { folder, sources } = await openRepository();
    expect(unpackPackages(folder, { packages: ["wirebook-sample"], sources })).toBe(true);
    expect(await readFile(join(folder, "unpacked/usr/bin/sample"), "utf8")).toBe("wirebook-sample");
    expect(await readFile(join(folder, "unpacked/usr/lib/library.txt"), "utf8")).toBe("wirebook-library");
    // dpkg is installed.
    expect(await readdir(join(folder, "unpacked/usr"))).toEqual(["bin", "lib"]);
    expect(await readdir(folder)).toEqual(["unpacked"]);
  });

  test("come alone, where that is wanted", async () => {
    const { folder, sources } = await openRepository();
    expect(unpackPackages(folder, { alone: ["wirebook-sample"], sources })).toBe(true);
    expect(await readdir(join(folder, "unpacked/usr"))).toEqual(["bin"]);
  });

  test("do without one that apt does not have", async () => {
    const { folder, sources } = await openRepository();
    const packages = ["wirebook-unknown", "wirebook-sample"];
    expect(unpackPackages(folder, { packages, alone: ["wirebook-other"], sources })).toBe(false);
    expect(existsSync(join(folder, "unpacked/usr/bin/sample"))).toBe(true);
  });

  test("stay as they were when new ones cannot be had whole, and nothing half-done remains", async () => {
    const { folder, repository, sources } = await openRepository();
    expect(unpackPackages(folder, { alone: ["wirebook-library"], sources })).toBe(true);
    await writeFile(join(repository, "wirebook-sample.deb"), "cut off");
    // What a process that was killed left.
    await mkdir(join(folder, "fetch-999999999", "tree"), { recursive: true });
    expect(unpackPackages(folder, { packages: ["wirebook-sample"], sources })).toBe(false);
    expect(await readdir(folder)).toEqual(["unpacked"]);
    expect(await readdir(join(folder, "unpacked/usr"))).toEqual(["lib"]);
  });
}
