import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Peer } from "./tcp-peer.ts";
import { header, openPeer } from "./tcp-peer.ts";
import { PtyCli, keys, ptyMaker } from "./pty.ts";

/** A temporary folder for the state that the prompt keeps. */
async function openState(): Promise<
  AsyncDisposable & { readonly env: { readonly XDG_STATE_HOME: string }; readonly file: string }
> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-state-"));
  return {
    env: { XDG_STATE_HOME: folder },
    file: join(folder, "wirebook", "prompt-history"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** Follows for `… 5`, and otherwise says what it was sent. */
function openServer(): Promise<Peer> {
  return openPeer((socket, message) => {
    if (message.endsWith(" 5\n")) socket.write(`${header}Following from line 1.\n`);
    else socket.end(`${header}you said ${message}`);
  });
}

describe.skipIf(ptyMaker === undefined)("needs script(1) or python3: the prompt", () => {
  test("greets, sends what is typed, and leaves at Ctrl-D", async () => {
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
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
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
    await cli.until("> ");
    cli.type(`one${keys.enter}two${keys.enter}   ${keys.enter}three${keys.enter}`);
    for (const word of ["one", "two", "three"]) await cli.until(`you said ${word}`);
    await cli.until("> ");
    expect(server.messages).toEqual(["one\n", "two\n", "three\n"]);
  });

  test.each(["exit", "quit", "Quit"])("leaves at %s, and sends nothing", async (word) => {
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
    await cli.until("> ");
    cli.type(`${word} ${keys.enter}brick${keys.enter}`);
    expect(await cli.exitCode).toBe(0);
    expect(server.messages).toEqual([]);
  });

  test("explains itself at help and ?, and sends them with a space or -- before them", async () => {
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
    await cli.until("> ");
    for (const word of ["help", "?"]) {
      cli.type(`${word}${keys.enter}`);
      await cli.until("exit, quit, Ctrl-D");
      await cli.until("> ");
    }
    const typed = [" help", "-- ?", "  exit", "--  quit", "help 2", "exits", "--", "-- 2", "\\q"];
    for (const line of typed) {
      cli.type(`${line}${keys.enter}`);
      await cli.until("you said");
      await cli.until("> ");
    }
    const sent = ["help", "?", "exit", "quit", "help 2", "exits", "--", "-- 2", "\\q"];
    expect(server.messages).toEqual(sent.map((line) => `${line}\n`));
    expect(await readFile(state.file, "utf8")).toBe(sent.map((line) => `${line}\n`).join(""));
  });

  test("Ctrl-C ends a follow and brings the prompt back", async () => {
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
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
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
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

  test("Tab brings the last user, and the operations as the server announced them", async () => {
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
    await cli.until("> ");
    cli.type(`otter${keys.enter}`);
    await cli.until("you said otter");
    await cli.until("> ");
    cli.type(keys.tab);
    await cli.until("otter ");
    cli.type(keys.tab);
    await cli.until("2 [FROM] [TO] [snapshot]   read the history");
    await cli.until("> ");
    cli.type(`2${keys.enter}`);
    await cli.until("you said otter 2");
    expect(server.messages).toEqual(["otter\n", "otter 2\n"]);
  });

  test("remembers the lines of the prompt before, without keys and for its owner alone", async () => {
    await using state = await openState();
    await using server = await openServer();
    {
      await using first = new PtyCli(server.options, state.env);
      await first.until("> ");
      first.type(`brick~secret 2 -5${keys.enter}`);
      await first.until("you said");
      await first.until("> ");
      first.type(keys.ctrlD);
      expect(await first.exitCode).toBe(0);
    }
    expect(await readFile(state.file, "utf8")).toBe("brick 2 -5\n");
    expect((await stat(state.file)).mode & 0o777).toBe(0o600);
    await using second = new PtyCli(server.options, state.env);
    await second.until("> ");
    second.type(keys.up);
    await second.until("brick 2 -5");
    second.type(keys.enter);
    await second.until("you said");
    expect(server.messages).toEqual(["brick~secret 2 -5\n", "brick 2 -5\n"]);
  });

  test("says what is wrong with a line that is too long, and goes on", async () => {
    await using state = await openState();
    await using server = await openServer();
    await using cli = new PtyCli(server.options, state.env);
    await cli.until("> ");
    cli.type(`${"x".repeat(2049)}${keys.enter}`);
    await cli.until("a message of 2049 bytes is over the limit of 2048");
    await cli.until("> ");
    cli.type(`brick${keys.enter}`);
    await cli.until("you said brick");
    expect(server.messages).toEqual(["brick\n"]);
  });

  test("says where nothing listens, and stays", async () => {
    await using state = await openState();
    const server = await openServer();
    await server[Symbol.asyncDispose]();
    await using cli = new PtyCli(server.options, state.env);
    await cli.until("> ");
    cli.type(`brick${keys.enter}`);
    await cli.until("nothing listens on");
    await cli.until("> ");
    cli.type(keys.ctrlD);
    expect(await cli.exitCode).toBe(0);
  });
});
