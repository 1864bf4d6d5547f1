import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { exitOf, runCli, runCliBytes, startCli, until } from "./cli.ts";
import { header, openPeer, openResponder } from "./tcp-peer.ts";

describe("the arguments", () => {
  test("are one message, negative numbers included", async () => {
    await using peer = await openResponder("");
    await runCli([...peer.options, "brick", "2", "-100"]);
    await runCli(["brick", "2", ...peer.options, "-7", "-1"]);
    expect(peer.messages).toEqual(["brick 2 -100\n", "brick 2 -7 -1\n"]);
  });

  test("are sent as they are, also when they mean nothing", async () => {
    await using peer = await openResponder("");
    await runCli([...peer.options, "brick", "nonsense  with", "", "spaces"]);
    await runCli([...peer.options, ""]);
    await runCli([...peer.options, "--", "brick", "--json"]);
    expect(peer.messages).toEqual(["brick nonsense  with  spaces\n", "\n", "brick --json\n"]);
  });

  test("say so when a follow is ended by the server", async () => {
    await using peer = await openResponder("Following from line 1.\none\n");
    expect(await runCli([...peer.options, "brick", "5"])).toEqual({
      code: 0,
      stdout: expect.stringContaining("one\n") as string,
      stderr: "wirebook: the server ended the follow; send the message again to go on\n",
    });
  });

  test("take the place of standard input", async () => {
    await using peer = await openResponder("");
    await runCli([...peer.options, "brick"], { input: "otter 2\n" });
    expect(peer.messages).toEqual(["brick\n"]);
  });

  test("may be as long as a message may be, and not longer", async () => {
    await using peer = await openResponder("fine\n");
    expect(await runCli([...peer.options, "b".repeat(2048)])).toMatchObject({ code: 0 });
    expect(await runCli([...peer.options, "b".repeat(2049)])).toEqual({
      code: 2,
      stdout: "",
      stderr: "wirebook: a message of 2049 bytes is over the limit of 2048; send a shorter line\n",
    });
    expect(peer.messages).toHaveLength(1);
  });

  test("hold no line feed", async () => {
    expect(await runCli(["--port", "1", "brick\n3"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("a message is one line") as string,
    });
  });
});

describe("in a pipe", () => {
  test("the response comes alone, byte for byte", async () => {
    const response = Buffer.from([0, 1, 27, 0x5b, 255, 254, 13, 10, 128]);
    await using peer = await openResponder(response);
    const { code, stdout } = await runCliBytes([...peer.options, "brick", "2"]);
    expect({ code, stdout: [...stdout] }).toEqual({ code: 0, stdout: [...response] });
  });

  test("a user alone gets the operations, which were asked for", async () => {
    await using peer = await openResponder("");
    expect(await runCli([...peer.options, "brick"])).toEqual({ code: 0, stdout: header, stderr: "" });
  });

  test("the server waits while the output is not read", async () => {
    const replyBytes = 64 * 1024 * 1024;
    const sockets: Socket[] = [];
    await using peer = await openPeer((socket) => {
      sockets.push(socket);
      socket.end(Buffer.alloc(replyBytes, header));
    });
    const held = startCli([...peer.options, "brick", "2"]);
    await once(held.stdout, "readable");
    const { stdout } = await runCliBytes([...peer.options, "brick", "2"]);
    expect(stdout.length).toBeGreaterThan(replyBytes - 2 * header.length);
    expect(sockets[0]?.writableLength).toBeGreaterThan(0);
    held.kill();
    held.stdout.resume();
    await exitOf(held);
  });

  test("a reader that goes away ends it quietly", async () => {
    await using peer = await openPeer((socket) => {
      socket.write(header);
      socket.end("line\n".repeat(4_000_000));
    });
    const child = startCli([...peer.options, "brick", "2"]);
    const complaint = text(child.stderr);
    await until(child.stdout, "line\n");
    child.stdout.destroy();
    expect({ code: await exitOf(child), complaint: await complaint }).toEqual({ code: 0, complaint: "" });
  });

  test("a follow brings each line as it comes, until Ctrl-C", async () => {
    let follower: Socket | undefined;
    await using peer = await openPeer((socket, message) => {
      if (message !== "brick 5\n") return;
      follower = socket;
      socket.write(`${header}Following from line 8.\n`);
    });
    const child = startCli([...peer.options, "--timeout", "300", "brick", "5"]);
    await until(child.stdout, "Following from line 8.\n");
    // A silence that ends any other exchange does not end a follow.
    expect(await runCli([...peer.options, "--timeout", "300", "brick", "2"])).toMatchObject({ code: 4 });
    follower?.write("the first\n");
    expect(await until(child.stdout, "first\n")).toBe("the first\n");
    follower?.write("the second\n");
    expect(await until(child.stdout, "second\n")).toBe("the second\n");
    child.kill("SIGINT");
    child.stdout.resume();
    expect(await exitOf(child)).toBe(130);
  });
});

describe("the exit code", () => {
  test.each([
    ["Error: line 99 is past the last line, 3; type a smaller number\n", 1],
    ["Error: or so it says\nbut this is the second line of a history\n", 0],
    ["", 0],
  ])("for the response %j is %i", async (response, code) => {
    await using peer = await openResponder(response);
    expect(await runCli([...peer.options, "brick", "2"])).toEqual({ code, stdout: response, stderr: "" });
  });

  test("is 1 for a user whom the server does not know", async () => {
    await using peer = await openPeer((socket) => socket.end("Authentication error."));
    expect(await runCli([...peer.options, "brick"])).toEqual({ code: 1, stdout: "Authentication error.", stderr: "" });
  });

  test("is 3 where nothing listens", async () => {
    const peer = await openResponder("");
    await peer[Symbol.asyncDispose]();
    expect(await runCli([...peer.options, "brick"])).toEqual({
      code: 3,
      stdout: "",
      stderr: `wirebook: nothing listens on 127.0.0.1:${peer.port}; start the server or name another address\n`,
    });
  });

  test("is 3 when the connection breaks in the middle, after what had come", async () => {
    let server: Socket | undefined;
    await using peer = await openPeer((socket) => {
      server = socket;
      socket.write(`${header}half a li`);
    });
    const child = startCli([...peer.options, "brick", "2"]);
    const complaint = text(child.stderr);
    const half = await until(child.stdout, "half a li");
    server?.resetAndDestroy();
    child.stdout.resume();
    expect({ half, code: await exitOf(child) }).toEqual({ half: "half a li", code: 3 });
    expect(await complaint).toContain("broke the connection after");
  });

  test("is 3 when the server closes without a word", async () => {
    await using peer = await openPeer((socket) => socket.end());
    const { code, stderr } = await runCli([...peer.options, "brick", "1"]);
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining("closed the connection without an answer") as string,
    });
  });

  test("is 4 when the server says nothing in time", async () => {
    await using peer = await openPeer(() => {});
    const { code, stderr } = await runCli([...peer.options, "--timeout", "200", "brick"]);
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("sent nothing for 200 ms") as string });
  });
});
