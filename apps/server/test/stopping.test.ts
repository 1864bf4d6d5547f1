import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { limitsDefault } from "../src/limits.ts";
import { Peer } from "./tcp-peer.ts";
import { Program } from "./server-program.ts";
import { makeFolder } from "./server-fixture.ts";

describe("the program", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("finishes what it has accepted at %s", async (signal) => {
    await using folder = await makeFolder();
    const history = join(folder.path, "history.txt");
    await using program = Program.start(["--port", "0", "--history", history]);
    const { port } = await program.listening();
    const follower = await Peer.connect(port);
    await follower.write("eve 5\n");
    await follower.until("Following");
    const peers = await Promise.all(Array.from({ length: 50 }, () => Peer.connect(port)));
    await peers[49]?.write("brick 2 -1\n"); // Answered, so the server has accepted all those before.
    await peers[49]?.outcome;
    const written = peers.slice(0, 49).map((peer) => peer.write("brick 2 -1\n"));
    program.child.kill(signal);
    await Promise.all(written);
    for (const peer of peers) expect(await peer.outcome).toMatchObject({ isReset: false });
    for (const peer of peers) expect(peer.text).toMatch(/"brick 2 -1"\n$/);
    const followed = await follower.outcome;
    expect([followed.isReset, followed.text.endsWith("\n")]).toEqual([false, true]);
    expect((await program.ended).code).toBe(0);
    expect((await readFile(history, "utf8")).match(/"brick 2 -1"\n/g)).toHaveLength(50);
  });

  test("takes a second signal right behind the first for its echo", async () => {
    await using folder = await makeFolder();
    await using program = Program.start(["--port", "0", "--history", join(folder.path, "history.txt")]);
    await program.listening();
    program.child.kill("SIGINT");
    program.child.kill("SIGINT");
    expect((await program.ended).code).toBe(0);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at once at a second %s", async (signal, expected) => {
    await using folder = await makeFolder();
    const history = join(folder.path, "history.txt");
    await writeFile(history, `${"x".repeat(1023)}\n`.repeat(16 * 1024));
    await using program = Program.start(["--port", "0", "--history", history]);
    const { port } = await program.listening();
    const slow = await Peer.connect(port); // Holds the stopping up for `drainMs`: it does not read its reply.
    await slow.write("brick 2\n");
    await slow.until("Operations");
    slow.socket.pause();
    program.child.kill(signal);
    const again = setInterval(() => program.child.kill(signal), 50);
    const { code } = await program.ended;
    clearInterval(again);
    slow.reset();
    expect(code).toBe(expected);
  });
});

test("the stop waits longer for messages than an echoed signal takes, and less than the whole", () => {
  expect(limitsDefault.drainMessageMs).toBeLessThan(limitsDefault.drainMs);
});
