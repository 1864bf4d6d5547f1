import { describe, expect, test } from "vitest";
import type { Peer } from "./tcp-peer.ts";
import { header, openPeer } from "./tcp-peer.ts";
import { PtyCli, keys, ptyMaker } from "./pty.ts";

/** Follows for `… 5`, and otherwise says what it was sent. */
function openServer(): Promise<Peer> {
  return openPeer((socket, message) => {
    if (message.endsWith(" 5\n")) socket.write(`${header}Following from line 1.\n`);
    else socket.end(`${header}you said ${message}`);
  });
}

describe.skipIf(ptyMaker === undefined)("needs script(1) or python3: the prompt", () => {
  test("greets, sends what is typed, and leaves at Ctrl-D", async () => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    const greeting = await cli.until("> ");
    expect(greeting).toContain(`Wirebook at \u001b[1m127.0.0.1:${server.port}\u001b[22m`);
    expect(greeting).toContain("such as: brick 2");
    cli.type(`brick 2${keys.enter}`);
    await cli.until("you said brick 2");
    await cli.until("> ");
    cli.type(keys.ctrlD);
    expect(await cli.exitCode).toBe(0);
    expect(server.messages).toEqual(["brick 2\n"]);
  });

  test("sends pasted lines in order, one exchange each", async () => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    cli.type(`one${keys.enter}two${keys.enter}   ${keys.enter}three${keys.enter}`);
    for (const word of ["one", "two", "three"]) await cli.until(`you said ${word}`);
    await cli.until("> ");
    expect(server.messages).toEqual(["one\n", "two\n", "three\n"]);
  });

  test.each(["exit", "quit", "Quit"])("leaves at %s, and sends nothing", async (word) => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    cli.type(`${word} ${keys.enter}brick${keys.enter}`);
    expect(await cli.exitCode).toBe(0);
    expect(server.messages).toEqual([]);
  });

  test("sends words of its own with a space before them", async () => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    const typed = ["help", "  exit", " quit", "exits", "-- 2", "\\q"];
    for (const line of typed) {
      cli.type(`${line}${keys.enter}`);
      await cli.until("you said");
      await cli.until("> ");
    }
    expect(server.messages).toEqual(typed.map((line) => `${line}\n`));
  });

  test("Ctrl-C ends a follow and brings the prompt back", async () => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    cli.type(`brick 5${keys.enter}`);
    await cli.until("Following from line 1.");
    cli.type(keys.ctrlC);
    await cli.until("> ");
    cli.type(`otter${keys.enter}`);
    await cli.until("you said otter");
    expect(server.messages).toEqual(["brick 5\n", "otter\n"]);
  });

  test("Ctrl-C gives up what was typed, and leaves where nothing was", async () => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    cli.type("brick 3");
    await cli.until("brick 3");
    cli.type(keys.ctrlC);
    await cli.until("^C");
    await cli.until("> ");
    cli.type(keys.ctrlC);
    expect(await cli.exitCode).toBe(0);
    expect(server.messages).toEqual([]);
  });

  test("an arrow brings back what was typed before", async () => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    cli.type(`brick 2 -5${keys.enter}`);
    await cli.until("you said brick 2 -5");
    await cli.until("> ");
    cli.type(`${keys.up}${keys.enter}`);
    await cli.until("you said brick 2 -5");
    expect(server.messages).toEqual(["brick 2 -5\n", "brick 2 -5\n"]);
  });

  test("says what is wrong with a line that is too long, and goes on", async () => {
    await using server = await openServer();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    cli.type(`${"x".repeat(2049)}${keys.enter}`);
    await cli.until("a message of 2049 bytes is over the limit of 2048");
    await cli.until("> ");
    cli.type(`brick${keys.enter}`);
    await cli.until("you said brick");
    expect(server.messages).toEqual(["brick\n"]);
  });

  test("says where nothing listens, and stays", async () => {
    const server = await openServer();
    await server[Symbol.asyncDispose]();
    await using cli = new PtyCli(server.options);
    await cli.until("> ");
    cli.type(`brick${keys.enter}`);
    await cli.until("nothing listens on");
    await cli.until("> ");
    cli.type(keys.ctrlD);
    expect(await cli.exitCode).toBe(0);
  });
});
