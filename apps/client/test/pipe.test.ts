import { describe, expect, test } from "vitest";
import { run } from "../../../test-support/run.ts";
import type { Ran } from "../../../test-support/run.ts";
import { mainPath } from "./cli.ts";
import { header, openPeer, openResponder } from "./tcp-peer.ts";

/** Runs the client in front of a pipe; its exit code is the last line of standard error. */
function runInto(pipe: string, ...words: readonly string[]): Promise<Ran> {
  return run("sh", ["-c", `{ "$0" "$@"; echo "code $?" >&2; } | ${pipe}`, process.execPath, mainPath, ...words]);
}

describe("a client in a pipe", () => {
  test.each([[[]], [["--json"]], [["--trace"]]])("ends a follow when its reader has gone: %j", async (options) => {
    await using peer = await openPeer((socket) => {
      socket.write(`${header}Following from line 1.\n`);
      const feed = setInterval(() => socket.write('2026-11-28T07:49:09.790456Z "brick 5 -1"\n'), 20);
      socket.on("close", () => clearInterval(feed)).on("error", () => {});
    });
    const { stdout, stderr } = await runInto("head -n 2", ...peer.options, ...options, "brick", "5", "-1");
    expect(stdout.split("\n")).toHaveLength(3);
    expect(stderr.endsWith("code 0\n")).toBe(true);
  });

  test("loses nothing of a follow whose reader is slow", async () => {
    const line = `${"x".repeat(1023)}\n`;
    const start = "Following from line 1.\n";
    await using peer = await openResponder(start + line.repeat(4096));
    const { stdout } = await runInto("{ head -c 1; sed ''; } | wc -c", ...peer.options, "brick", "5", "-1");
    expect(Number(stdout)).toBe(start.length + line.length * 4096);
  });

  test("sends its message although nobody wants to read the reply", async () => {
    await using peer = await openResponder("deleted\n");
    await runInto("true", ...peer.options, "brick", "3");
    expect(peer.messages).toEqual(["brick 3\n"]);
  });
});
