import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { createMessage } from "../src/message.ts";
import { TerminalPresenter } from "../src/output/terminal-presenter.ts";
import { createPaint, isColoured, visibleText } from "../src/output/terminal-text.ts";
import { ReplyParser } from "../src/reply-parser.ts";
import { keys, PtyCli, ptyMaker } from "./pty.ts";
import { header, openPeer, openResponder } from "./tcp-peer.ts";

/** What the presenter writes for replies that come in these chunks, one after the other. */
function present(coloured: boolean, ...replies: readonly (readonly (string | Uint8Array)[])[]): string {
  const out = new PassThrough();
  const presenter = new TerminalPresenter(out, createPaint(coloured));
  for (const chunks of replies) {
    const watch = new ReplyParser();
    presenter.begin(createMessage(Buffer.from("brick~secret 2")));
    for (const chunk of chunks) presenter.take(watch.push(Buffer.from(chunk)));
    presenter.take(watch.finish());
    presenter.end({ kind: "answered", isError: watch.isError });
  }
  let text = "";
  for (let part = out.read() as Buffer | null; part !== null; part = out.read() as Buffer | null)
    text += part.toString();
  return text;
}

describe("on a terminal", () => {
  test("what was sent, without its key, and the whole reply are printed as the original client does", () => {
    expect(present(false, [header, "one\n"])).toBe(`Sent:     brick~… 2\nReceived: ${header}one\n`);
  });

  test("a reply without a last line feed gets one, and one that is cut anywhere looks the same", () => {
    expect(present(false, [..."Authentication error."], [])).toBe(
      "Sent:     brick~… 2\nReceived: Authentication error.\nSent:     brick~… 2\n",
    );
  });

  test("control characters, reversed text and broken UTF-8 become visible, tabs and line feeds stay", () => {
    const hostile = Buffer.concat([
      Buffer.from("\u001b]0;owned\u0007\u009b31m\u202e\ta\r\né"),
      Buffer.from([0xff, 0x0a]),
    ]);
    expect(present(false, [header, hostile])).toContain(
      "\\u001b]0;owned\\u0007\\u009b31m\\u202e\ta\\u000d\né\\udcff\n",
    );
    expect(visibleText("\u0000\u007f\u0085")).toBe("\\u0000\\u007f\\u0085");
  });

  test("a hostile header becomes visible as well", () => {
    const hostile = header.replace("https://", "\u001b[2Jhttps://");
    expect(present(false, [hostile])).toContain("Received: \\u001b[2Jhttps://");
  });

  test("colours tell the header and an error from the rest", () => {
    const screen = present(true, [header, "Error: no\n"]);
    expect(screen).toContain(`\u001b[2m${header}\u001b[22m\u001b[31mError: no\n\u001b[39m`);
  });

  test("colours are left out for NO_COLOR, a dumb terminal and no terminal", () => {
    const tty = { isTTY: true };
    expect(isColoured(tty, { TERM: "xterm" })).toBe(true);
    expect(isColoured(tty, { TERM: "xterm", NO_COLOR: "" })).toBe(true);
    expect(isColoured(tty, { TERM: "xterm", NO_COLOR: "1" })).toBe(false);
    expect(isColoured(tty, { TERM: "dumb" })).toBe(false);
    expect(isColoured({}, { TERM: "xterm" })).toBe(false);
  });
});

describe.skipIf(ptyMaker === undefined)("needs script(1) or python3: on a pseudo-terminal", () => {
  test("one request prints Sent: and Received: and ends", async () => {
    await using peer = await openResponder("\u001b[31mred?\n");
    await using cli = new PtyCli([...peer.options, "brick", "2"], { NO_COLOR: "1" });
    expect(await cli.exitCode).toBe(0);
    expect(cli.screen.replaceAll("\r\n", "\n")).toBe(`Sent:     brick 2\nReceived: ${header}\\u001b[31mred?\n`);
  });

  test("Ctrl-C ends a follow with the exit code 130", async () => {
    await using peer = await openPeer((socket) => socket.write(`${header}Following from line 1.\n`));
    await using cli = new PtyCli([...peer.options, "brick", "5"]);
    await cli.until("Following from line 1.");
    cli.type(keys.ctrlC);
    expect(await cli.exitCode).toBe(130);
  });
});
