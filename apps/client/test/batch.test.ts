import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineSplitter } from "@wirebook/protocol";
import { exitOf, runCli, startCli, until } from "./cli.ts";
import { header, openPeer, openResponder } from "./tcp-peer.ts";

describe("standard input", () => {
  test("is a message a line, in order, one exchange each", async () => {
    let open = 0;
    let most = 0;
    await using peer = await openPeer((socket, message) => {
      most = Math.max(most, ++open);
      socket.once("close", () => (open -= 1));
      socket.end(`${header}you said ${message}`);
    });
    const { code, stdout } = await runCli(peer.options, { input: "brick 2\n\n  \t\notter 2 -5\r\nlast 2" });
    expect(peer.messages).toEqual(["brick 2\n", "otter 2 -5\n", "last 2\n"]);
    expect({ code, stdout, most }).toEqual({
      code: 0,
      stdout: "you said brick 2\nyou said otter 2 -5\nyou said last 2\n",
      most: 1,
    });
  });

  test("is sent byte for byte, wrong messages too", async () => {
    await using peer = await openResponder("");
    await runCli(peer.options, { input: Buffer.from("  brick \xff\xfe\x00\n", "latin1") });
    expect(peer.messages).toEqual(["  brick \xff\xfe\x00\n"]);
  });

  test("is for the server alone, words of the prompt too", async () => {
    await using peer = await openResponder("");
    await runCli(peer.options, { input: "help\n?\nexit\n-- quit\n" });
    await runCli([...peer.options, "exit"]);
    expect(peer.messages).toEqual(["help\n", "?\n", "exit\n", "-- quit\n", "exit\n"]);
  });

  test("gives each response a line of its own", async () => {
    await using peer = await openPeer((socket) => socket.end("Authentication error."));
    const { code, stdout } = await runCli(peer.options, { input: "one\ntwo\n" });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "Authentication error.\nAuthentication error." });
  });

  test("goes on after an error of the server's, and the code remembers it", async () => {
    await using peer = await openPeer((socket, message) =>
      socket.end(header + (message.startsWith("bad") ? "Error: no\n" : "fine\n")),
    );
    const { code, stdout } = await runCli(peer.options, { input: "good 2\nbad 2\ngood 2\n" });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "fine\nError: no\nfine\n" });
  });

  test("has its over-long lines refused by number, and the others sent", async () => {
    await using peer = await openResponder("");
    const { code, stderr } = await runCli(peer.options, {
      input: `${"x".repeat(2048)}\r\n${"y".repeat(100_000)}\nbrick 2\n`,
    });
    expect(peer.messages.map((message) => message.length)).toEqual([2049, 8]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "wirebook: line 2 of standard input: a message of 100000 bytes is over the limit of 2048; send a shorter line\n",
    });
  });

  test("is given up when the network fails", async () => {
    await using peer = await openPeer((socket, message) =>
      message === "one\n" ? socket.end(header) : socket.resetAndDestroy(),
    );
    const { code, stderr } = await runCli(peer.options, { input: "one\ntwo\nthree\n" });
    expect(peer.messages).toEqual(["one\n", "two\n"]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining("broke the connection") as string });
  });

  test("is given up at Ctrl-C", async () => {
    await using peer = await openPeer((socket) => socket.write(`${header}Following from line 1.\n`));
    const child = startCli(peer.options);
    child.stdin.write("brick 5\nbrick 2\n");
    await until(child.stdout, "Following");
    child.kill("SIGINT");
    child.stdout.resume();
    expect(await exitOf(child)).toBe(130);
    expect(peer.messages).toEqual(["brick 5\n"]);
  });

  test("may be empty", async () => {
    expect(await runCli(["--port", "1"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await runCli(["--port", "1"], { input: "\n   \r\n" })).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

test("lines are the same however the bytes are cut, and what is over the bound is counted", () => {
  const piece = fc.oneof(
    fc.constantFrom("\n", "\r\n", "\r", "brick 2", "é"),
    fc.nat(3000).map((length) => "x".repeat(length)),
  );
  const places = fc.array(fc.nat(4000), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), places, (pieces, sizes) => {
      const bytes = Buffer.from(pieces.join(""));
      const splitter = new LineSplitter(100);
      const lines = [...cut(bytes, sizes)].flatMap((chunk) => splitter.push(chunk));
      const wanted = bytes.toString("latin1").split("\n");
      if (wanted.at(-1) === "") wanted.pop();
      expect(
        [...lines, ...splitter.finish()].map((line) => [Buffer.from(line.bytes).toString("latin1"), line.length]),
      ).toEqual(wanted.map((line) => [line.slice(0, 100), line.length]));
    }),
  );
});

function* cut(bytes: Uint8Array, sizes: readonly number[]): Iterable<Uint8Array> {
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
  }
  yield bytes.subarray(from);
}
