import { mkdir, rename } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageBytesMax, refusedBytesKept } from "@wirebook/protocol";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { Peer, ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";

/** Long enough that no machine is so slow that a chunk comes late. */
const patient = { messageSilenceMs: 20_000, messageDeadlineMs: 60_000, guessDelayMs: 0 };
const [silenceMs, deadlineMs] = [30, 200];
/** For tests that move the clock themselves. The server accepts, and so reads, in the order of the connections. */
const timed = { messageSilenceMs: silenceMs, messageDeadlineMs: deadlineMs };

/** Resolves when the server has read what was written before. */
async function hasRead(port: number): Promise<void> {
  await ask(port, "other\n");
}

async function askInChunks(port: number, chunks: readonly Uint8Array[], isHalfClosed = false): Promise<string> {
  const peer = await Peer.connect(port);
  for (const chunk of chunks) {
    await peer.write(chunk);
    await new Promise((resolve) => setImmediate(resolve)); // Lets the server read, so that chunks arrive as such.
  }
  if (isHalfClosed) await peer.end();
  return (await peer.outcome).text;
}

describe("a message", () => {
  test("means the same at whatever byte it is split", async () => {
    await using rig = await openRig(patient);
    const message = Buffer.from("bríck 2 -1 -1\r\nand more");
    for (let at = 0; at <= message.length; at++) {
      const reply = await askInChunks(
        rig.port,
        [message.subarray(0, at), message.subarray(at)].filter((part) => part.length),
      );
      expect(reply.slice(header.length)).toMatch(/^\S+ 127\.0\.0\.1 "bríck 2 -1 -1"\n$/);
    }
    expect(new Set(await rig.asked())).toEqual(new Set(["bríck 2 -1 -1"]));
    expect(await rig.lines()).toHaveLength(message.length + 1);
  });

  test("means the same in any chunks, and leaves the same line", async () => {
    await using rig = await openRig(patient);
    const messages = fc.constantFrom("brick", "brick 2 1 1", "brick 9", "bríck~key 3", "\xff\xfe", "a".repeat(300), "");
    const cuts = fc.array(fc.nat(310), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(messages, cuts, fc.constantFrom("\n", "\r\n", "FIN"), async (message, places, ending) => {
        const bytes = Buffer.from(message === "\xff\xfe" ? Buffer.from(message, "latin1") : message);
        const all = ending === "FIN" ? bytes : Buffer.concat([bytes, Buffer.from(ending)]);
        if (all.length === 0) return;
        const edges = [0, ...places.filter((at) => at < all.length).toSorted((a, b) => a - b), all.length];
        const chunks = edges
          .slice(1)
          .map((edge, at) => all.subarray(edges[at], edge))
          .filter((chunk) => chunk.length > 0);
        const split = await askInChunks(rig.port, chunks, ending === "FIN");
        const whole = await askInChunks(rig.port, [all], ending === "FIN");
        expect(split).toBe(whole);
        const [before, last] = (await rig.asked()).slice(-2);
        expect(before).toBe(last);
      }),
      { numRuns: 60 },
    );
  });

  test("ends with the client's FIN", async () => {
    await using rig = await openRig(patient);
    expect(await askInChunks(rig.port, [Buffer.from("brick 1 1")], true)).toBe(`${header}Deleted line 1.\n`);
  });

  test("ends at its first line, and what follows is ignored", async () => {
    await using rig = await openRig(patient);
    expect(await ask(rig.port, "brick 9\nbrick 3\n")).toContain('Error: "9" is no operation');
    expect(await rig.asked()).toEqual(["brick 9"]);
  });

  test("has at most 2048 bytes, whatever its line ending", async () => {
    await using rig = await openRig(patient);
    const longest = `brick${" ".repeat(messageBytesMax - 7)} 2`;
    for (const ending of ["\n", "\r\n"]) {
      expect(await ask(rig.port, longest + ending)).toContain(JSON.stringify(longest));
      expect(await ask(rig.port, `${longest} ${ending}`)).toBe(
        `${header}Error: the message is over the limit of 2048 bytes; send a shorter line\n`,
      );
    }
    const cut = `${longest.slice(0, refusedBytesKept)}…`;
    expect(await rig.asked()).toEqual([longest, cut, longest, cut]);
  });

  test("that is too long is refused before it has ended", async () => {
    await using rig = await openRig(patient);
    const peer = await Peer.connect(rig.port);
    await peer.write("x".repeat(messageBytesMax + 2));
    expect((await peer.outcome).text).toContain("Error: the message is over the limit");
  });

  test("that is not UTF-8 is refused and kept byte by byte", async () => {
    await using rig = await openRig(patient);
    expect(await ask(rig.port, Buffer.from([0x62, 0xff, 0x20, 0x32, 0x0a]))).toBe(
      `${header}Error: the message is not UTF-8; send it as UTF-8 text\n`,
    );
    expect((await rig.lines())[0]).toMatch(/ "b\\udcff 2"$/);
  });

  test.each(["GET / HTTP/1.1", "POST /brick HTTP/1.0", "brick 3 HTTP/1.1"])("%j is refused as HTTP", async (line) => {
    await using rig = await openRig(patient);
    expect(await ask(rig.port, `${line}\r\nHost: localhost\r\n\r\nbrick 3\n`)).toBe(
      `${header}Error: this is no HTTP server; open the gateway's address in a browser instead\n`,
    );
    expect(await rig.asked()).toEqual([line]);
  });

  test("can be any bytes, which leave the server up and one line each", async () => {
    await using rig = await openRig(patient);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        count += 1;
        const reply = await ask(rig.port, Buffer.concat([Buffer.from("x\t9 "), bytes, Buffer.from("\n")]));
        expect(reply).toContain("Error: ");
        expect(await rig.lines()).toHaveLength(count);
      }),
      { numRuns: 60 },
    );
  });
});

describe("silence", () => {
  test("ends a message that was not terminated", async () => {
    await using rig = await openRig({ ...patient, messageSilenceMs: 30 });
    expect(await ask(rig.port, "brick 2")).toContain('"brick 2"');
  });

  test.each(["brick 1 1", "brick 1", "brick 3", " brick\t3 ", "brick 01 1"])(
    "never ends %j, which destroys",
    async (message) => {
      using clock = new HeldClock();
      await using rig = await openRig(timed);
      const peer = await Peer.connect(rig.port);
      await peer.write(message);
      await hasRead(rig.port);
      clock.pass(deadlineMs - 1);
      await hasRead(rig.port);
      expect(peer.text).toBe("");
      clock.pass(1);
      expect((await peer.outcome).text).toBe(
        `${header}Error: a message that deletes must end with a newline, and none came within 200 ms; nothing was deleted\n`,
      );
      expect(await rig.asked()).toEqual(["other", "other", message]);
      expect(await rig.lines()).toHaveLength(3);
    },
  );

  test("lets a line number be completed however late", async () => {
    using clock = new HeldClock();
    await using rig = await openRig(timed);
    for (let line = 1; line <= 10; line++) await ask(rig.port, `user${line}\n`);
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 1 1");
    await hasRead(rig.port);
    clock.pass(deadlineMs - 1);
    await peer.write("1\n");
    expect((await peer.outcome).text).toBe(`${header}Deleted line 11.\n`);
  });

  test("is not the slowness of the server, whose loop may find the rest ready when it comes to look", async () => {
    using clock = new HeldClock();
    await using rig = await openRig(timed);
    const peer = await Peer.connect(rig.port);
    await peer.write("brick 2 ");
    await hasRead(rig.port);
    // In the timers' part of a turn, behind which the loop reads what lies ready: server and client share it.
    await pause(0);
    peer.socket.write("-1 -1\n");
    clock.pass(silenceMs);
    await peer.outcome;
    expect(await rig.asked()).toEqual(["other", "brick 2 -1 -1"]);
  });

  test("ends a message that only began like one that destroys", async () => {
    await using rig = await openRig({ ...patient, messageSilenceMs: 30 });
    expect(await ask(rig.port, "brick 12")).toContain('Error: "12" is no operation');
  });
});

describe("the deadline", () => {
  const unfinished = `${header}Error: no whole message came within 200 ms; send one line and end it with a newline\n`;

  test("cuts a client that says nothing, which leaves no line", async () => {
    await using rig = await openRig(timed);
    const peer = await Peer.connect(rig.port);
    expect((await peer.outcome).text).toBe(unfinished);
    expect(await rig.lines()).toEqual([]);
  });

  test("is not moved by a client that dribbles", async () => {
    using clock = new HeldClock();
    await using rig = await openRig({ ...timed, messageSilenceMs: 20_000 });
    const peer = await Peer.connect(rig.port);
    for (let at = 0; at < 4; at++) {
      await peer.write("x");
      await hasRead(rig.port);
      expect(peer.text).toBe("");
      clock.pass(deadlineMs / 4);
    }
    expect((await peer.outcome).text).toBe(unfinished);
    expect((await rig.asked()).filter((message) => message !== "other")).toEqual(["xxxx"]);
  });
});

describe("a connection without a byte", () => {
  test("that is half closed is told that the message is empty, and leaves no line", async () => {
    await using rig = await openRig();
    const peer = await Peer.connect(rig.port);
    await peer.end();
    expect((await peer.outcome).text).toContain("Error: the message is empty");
    expect(await rig.lines()).toEqual([]);
  });

  test("is told that nothing can be written, when that is so", async () => {
    await using rig = await openRig();
    await rename(rig.historyPath, `${rig.historyPath}.1`);
    await mkdir(rig.historyPath);
    const peer = await Peer.connect(rig.port);
    await peer.end();
    const sentence = "Error: not ready: the storage of the history failed, so this is not acknowledged; ";
    expect((await peer.outcome).text).toContain(sentence);
    expect((await rig.history.ended)?.code).toBe("storage-failed");
  });
});
