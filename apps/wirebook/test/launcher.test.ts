import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const launcher = fileURLToPath(new URL("../bin/wirebook.mjs", import.meta.url));

/** A Node of this machine that is too old to run TypeScript as it is. */
const oldNode = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/local/bin"]
  .map((folder) => join(folder, "node"))
  .find((command) => {
    const { status, stdout } = spawnSync(command, ["--print", "Number.parseInt(process.versions.node, 10)"], {
      encoding: "utf8",
    });
    return status === 0 && Number(stdout) >= 20 && Number(stdout) < 24;
  });

function launch(
  node: string,
  path: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(node, [path, ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
  return { status, stdout, stderr };
}

describe("the launcher", () => {
  test("runs the client in the Node that it is started with", () => {
    expect(launch(process.execPath, launcher, "--version")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^wirebook \d/) as string,
    });
    expect(launch(process.execPath, launcher, "--port", "1", "brick")).toMatchObject({ status: 3 });
  });

  test("says what to do where the packages are not installed", () => {
    const folder = mkdtempSync(join(tmpdir(), "wirebook-bare-"));
    try {
      mkdirSync(join(folder, "bin"));
      cpSync(launcher, join(folder, "bin", "wirebook.mjs"));
      expect(launch(process.execPath, join(folder, "bin", "wirebook.mjs"), "brick")).toEqual({
        status: 70,
        stdout: "",
        stderr: "wirebook: its packages are not installed; install wirebook again, or run npm ci in the checkout\n",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(oldNode === undefined)("needs a Node from 20 to 23: the launcher", () => {
  test("hands over to the Node of the workspace, with arguments and exit code", () => {
    expect(launch(oldNode ?? "", launcher, "--version")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^wirebook \d/) as string,
    });
    expect(launch(oldNode ?? "", launcher, "--port", "1", "brick", "2", "-1")).toMatchObject({ status: 3, stdout: "" });
  });

  test("finds that Node from its own real place, however it was reached", () => {
    const folder = mkdtempSync(join(tmpdir(), "wirebook-link-"));
    try {
      symlinkSync(launcher, join(folder, "wirebook"));
      expect(launch(oldNode ?? "", join(folder, "wirebook"), "--version")).toMatchObject({ status: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("says what to do where the packages are not installed", () => {
    const folder = mkdtempSync(join(tmpdir(), "wirebook-bare-"));
    try {
      mkdirSync(join(folder, "bin"));
      cpSync(launcher, join(folder, "bin", "wirebook.mjs"));
      const { status, stderr } = launch(oldNode ?? "", join(folder, "bin", "wirebook.mjs"), "brick");
      expect(status).toBe(70);
      expect(stderr).toMatch(
        /^wirebook: Node 2\d\.\S+ is too old; install Node 24\.12 or newer, or run npm ci in the checkout\n$/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
