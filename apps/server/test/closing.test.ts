import { appendFile, truncate } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Peer, ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";
import type { Rig } from "./server-fixture.ts";

const mebibyte = 1024 * 1024;

/** Makes the history that big with lines of 1 KiB, as a program that appends to the file does. */
async function fill(rig: Rig, bytes: number): Promise<void> {
  await appendFile(rig.historyPath, `${"x".repeat(1023)}\n`.repeat(bytes / 1024));
}

describe("a reply", () => {
  test("of many megabytes arrives whole, and is not mixed with what is written or deleted meanwhile", async () => {
    await using rig = await openRig();
    await fill(rig, 10 * mebibyte);
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 2\n");
    await peer.until("Operations");
    peer.socket.pause();
    await ask(rig.port, "someone else\n");
    await ask(rig.port, "brick 3\n");
    peer.socket.resume();
    const { text, isReset } = await peer.outcome;
    expect(isReset).toBe(false);
    expect(text.slice(0, header.length)).toBe(header);
    const lines = text.slice(header.length).split("\n");
    expect(lines.filter((line) => /^x{1023}$/.test(line))).toHaveLength(10 * 1024);
    expect(lines.at(-2)).toMatch(/"brick 2"$/);
    expect(lines.at(-1)).toBe("");
    expect(lines).toHaveLength(10 * 1024 + 2);
  });

  test("to a client that has sent FIN is whole", async () => {
    await using rig = await openRig();
    await fill(rig, 2 * mebibyte);
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 2");
    await peer.end();
    const { text, isReset } = await peer.outcome;
    expect(isReset).toBe(false);
    expect(text).toMatch(/"brick 2"\n$/);
  });

  test("is not cut by bytes that the client sent behind its message", async () => {
    await using rig = await openRig();
    for (let round = 0; round < 50; round++) {
      const peer = await Peer.connect(rig.port);
      await peer.write(`brick\n${"surplus ".repeat(4096)}`);
      const { text, isReset } = await peer.outcome;
      expect([text, isReset]).toEqual([header, false]);
    }
  });

  test("is followed by a time in which late bytes do no harm", async () => {
    await using rig = await openRig();
    const peer = await Peer.connect(rig.port, false);
    await peer.write("brick\n");
    expect(await peer.outcome).toEqual({ text: header, isReset: false });
    await peer.write("late");
    await ask(rig.port, "brick\n"); // Time for an RST to arrive, if there were one.
    await peer.write("later");
    const closed = new Promise<boolean>((resolve) => peer.socket.once("close", resolve));
    await peer.end();
    expect(await closed).toBe(false);
  });

  test("reaches a client that goes on sending without end, whose bytes are not taken without end", async () => {
    await using rig = await openRig({ discardedBytesMax: 64 * 1024, lingerMs: 500 });
    const peer = await Peer.connect(rig.port, false);
    const flood = Buffer.alloc(256 * 1024, "x");
    const pour = (): void => {
      if (peer.socket.writable) peer.socket.write(flood, pour);
    };
    const closed = new Promise((resolve) => peer.socket.once("close", resolve));
    await peer.write("brick\n");
    expect((await peer.outcome).text).toBe(header);
    pour();
    await closed;
    // What lies in the buffers of the kernel, at both ends, and not what half a second of loopback can carry.
    expect(peer.socket.bytesWritten).toBeLessThan(32 * mebibyte);
  });

  test("that cannot be finished is reset, so that it does not look whole", async () => {
    await using rig = await openRig();
    await fill(rig, 16 * mebibyte);
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 2\n");
    await peer.until("Operations");
    peer.socket.pause();
    await truncate(rig.historyPath, 0);
    peer.socket.resume();
    expect((await peer.outcome).isReset).toBe(true);
    await rig.server.stop();
    expect(rig.shown.filter((event) => event.event === "failure")).toHaveLength(1);
  });

  test("that the client does not read is broken off after the deadline, and only then", async () => {
    await using rig = await openRig({ replyStallMs: 200 });
    await fill(rig, 16 * mebibyte);
    const peer = await Peer.connect(rig.port);
    const startedMs = performance.now();
    await peer.write("brick 2\n");
    await peer.stallUntilBroken();
    expect(performance.now() - startedMs).toBeGreaterThan(190);
    expect((await peer.outcome).isReset).toBe(true);
    expect(await ask(rig.port, "brick\n")).toBe(header);
  });

  test("does not wait for ever for a client that never closes", async () => {
    await using rig = await openRig({ lingerMs: 100, drainMs: 20_000 });
    const peer = await Peer.connect(rig.port, false);
    await peer.write("brick\n");
    await peer.outcome;
    await rig.server.stop();
    peer.socket.destroy();
    expect(peer.text).toBe(header);
  });
});

describe("a reset", () => {
  test("before the message has ended leaves what came as one line, and nothing is done", async () => {
    await using rig = await openRig();
    await ask(rig.port, "a\n");
    const peer = await Peer.connect(rig.port);
    await peer.write("brick~5ecret 1 1");
    await ask(rig.port, "b\n"); // Answered after the bytes above were read, since the loop takes both in order.
    peer.reset();
    await rig.server.stop();
    expect(await rig.asked()).toEqual(["a", "b", "brick 1 1"]);
    expect(await rig.lines()).toHaveLength(3);
    const broken = rig.shown.filter((event) => event.event === "request" && event.outcome === "broken");
    expect(broken).toHaveLength(1);
  });

  test("at any moment is harmless", async () => {
    await using rig = await openRig();
    await fill(rig, mebibyte);
    const messages = ["", "bri", "brick 1 1\n", "brick 2\n", "brick 5 1\n", "brick 9\n", "GET / HTTP/1.1\r\n"];
    for (const message of messages) {
      for (const wait of ["at once", "after the write", "after the first bytes"] as const) {
        const peer = await Peer.connect(rig.port);
        if (message !== "") {
          const written = peer.write(message);
          if (wait !== "at once") await written;
          if (wait === "after the first bytes" && message.endsWith("\n")) await peer.until("Operations");
        }
        peer.reset();
      }
    }
    expect(await ask(rig.port, "brick\n")).toBe(header);
    await rig.server.stop();
    expect(rig.shown.filter((event) => event.event === "failure")).toEqual([]);
  });
});
