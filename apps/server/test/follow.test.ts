import { describe, expect, test } from "vitest";
import { appendFile } from "node:fs/promises";
import { Peer, ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";
import type { Rig } from "./server-fixture.ts";

async function follow(rig: Rig, message: string): Promise<Peer> {
  const peer = await Peer.connect(rig.port);
  await peer.write(message);
  await peer.until("Following from line ");
  await peer.until(".\n");
  return peer;
}

/** The lines that came behind `Following from line K.` */
function linesOf(peer: Peer): string {
  return peer.text.slice(peer.text.indexOf("Following")).replace(/^.*\n/, "");
}

describe("a follow", () => {
  test("gives the lines of others as they are written, beginning with the next one", async () => {
    await using rig = await openRig();
    await ask(rig.port, "a\n");
    const peer = await follow(rig, "brick 5\n");
    expect(peer.text).toBe(`${header}Following from line 3.\n`);
    await ask(rig.port, "b\n");
    await ask(rig.port, "c 1 1\n");
    await peer.until("c deleted line 1");
    await peer.until(")\n");
    expect(linesOf(peer)).toBe(
      (await rig.lines())
        .slice(1)
        .map((line) => `${line}\n`)
        .join(""),
    );
    await rig.server.stop();
    expect((await peer.outcome).isReset).toBe(false);
  });

  test("gives the lines from FROM first, also when it counts from the end", async () => {
    await using rig = await openRig();
    for (const user of ["a", "b", "c"]) await ask(rig.port, `${user}\n`);
    const fromSecond = await follow(rig, "brick 5 2\n");
    const lastTwo = await follow(rig, "brick 5 -2\n");
    await ask(rig.port, "d\n");
    await fromSecond.until('"d"\n');
    await lastTwo.until('"d"\n');
    expect(fromSecond.text).toContain("Following from line 2.\n");
    expect(linesOf(fromSecond).match(/"[^"]*"/g)).toEqual(['"b"', '"c"', '"brick 5 2"', '"brick 5 -2"', '"d"']);
    expect(lastTwo.text).toContain("Following from line 4.\n");
    expect(linesOf(lastTwo).match(/"[^"]*"/g)).toEqual(['"brick 5 2"', '"brick 5 -2"', '"d"']);
  });

  test("goes on after the client's FIN", async () => {
    await using rig = await openRig();
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 5");
    await peer.end();
    await peer.until("Following");
    await ask(rig.port, "later\n");
    await peer.until('"later"\n');
    await rig.server.stop();
    expect((await peer.outcome).isReset).toBe(false);
  });

  test("leaves its place when the client goes", async () => {
    await using rig = await openRig({ followersMax: 1 });
    const peer = await follow(rig, "brick 5\n");
    peer.socket.destroy();
    // The first line after its going is answered by RST, which is how the server learns of it.
    for (;;) {
      const next = await Peer.connect(rig.port);
      await next.write("brick 5\n");
      await Promise.race([next.outcome, next.until("Following from line ").catch(() => {})]);
      const isFollowing = next.text.includes("Following from line ");
      next.reset();
      if (isFollowing) return;
    }
  });

  test("is refused in words beyond the limit", async () => {
    await using rig = await openRig({ followersMax: 2 });
    const first = await follow(rig, "brick 5\n");
    const second = await follow(rig, "brick 5\n");
    expect(await ask(rig.port, "brick 5\n")).toBe(
      `${header}Error: 2 clients follow already, which is the limit; read the last lines with 2 -100, or try again\n`,
    );
    first.reset();
    second.reset();
  });

  test("ends with FIN between two lines when the server stops", async () => {
    await using rig = await openRig();
    const peer = await follow(rig, "brick 5 1\n");
    await ask(rig.port, "a\n");
    await rig.server.stop();
    const { text, isReset } = await peer.outcome;
    expect(isReset).toBe(false);
    expect(text.endsWith("\n")).toBe(true);
  });

  test("ends between two lines even when the stop finds it inside one", async () => {
    await using rig = await openRig({ drainMs: 20_000 });
    await appendFile(rig.historyPath, `${"x".repeat(999)}\n`.repeat(16 * 1024));
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 5 1\n");
    await peer.until("xxxx");
    peer.socket.pause();
    const stopped = rig.server.stop();
    peer.socket.resume();
    const { text, isReset } = await peer.outcome;
    await stopped;
    expect(isReset).toBe(false);
    const lines = linesOf(peer).split("\n");
    expect(lines.pop()).toBe("");
    expect(new Set(lines)).toEqual(new Set(["x".repeat(999)]));
    expect(text.length).toBeLessThan(16 * 1024 * 1000);
  });

  test("that does not read is cut, and its place is free again", async () => {
    await using rig = await openRig({ replyStallMs: 150, followersMax: 1 });
    await appendFile(rig.historyPath, `${"x".repeat(1023)}\n`.repeat(16 * 1024));
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 5 1\n");
    await peer.stallUntilBroken();
    expect((await peer.outcome).isReset).toBe(true);
    const next = await follow(rig, "brick 5\n");
    next.reset();
  });
});
