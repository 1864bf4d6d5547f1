import { describe, expect, test } from "vitest";
import { textForm } from "../src/output/replies.ts";
import { createPaint, visibleText } from "../src/output/text.ts";
import { keys, PtyCli, ptyMaker } from "./pty.ts";
import { showReply } from "./show-reply.ts";
import { header, openPeer, openResponder } from "./tcp-peer.ts";

/** How a reply that comes in these chunks is shown. */
function present(coloured: boolean, chunks: readonly (string | Uint8Array)[]): string {
  return showReply(textForm(createPaint(coloured)), chunks).shown;
}

describe("on a terminal", () => {
  test("the whole reply is printed as the original client does", () => {
    expect(present(false, [header, "one\n"])).toBe(`Received: ${header}one\n`);
  });

  test("a reply that is cut anywhere looks the same", () => {
    expect(present(false, [..."Authentication error."])).toBe("Received: Authentication error.");
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
});

describe.skipIf(ptyMaker === undefined)("needs script(1) or python3: on a pseudo-terminal", () => {
  test("one request prints Sent:, without its key, and Received: and ends", async () => {
    await using peer = await openResponder("\u001b[31mred?\n");
    await using cli = new PtyCli([...peer.options, "brick~secret", "2"], { NO_COLOR: "1" });
    expect(await cli.exitCode).toBe(0);
    expect(cli.screen.replaceAll("\r\n", "\n")).toBe(`Sent:     brick~… 2\nReceived: ${header}\\u001b[31mred?\n`);
  });

  test("a reply without a last line feed gets one, and colours where they are wanted", async () => {
    await using peer = await openPeer((socket) => socket.end("Authentication error."));
    for (const [env, label] of [
      [{ TERM: "xterm" }, "\u001b[1mReceived:\u001b[22m \u001b[31mAuthentication error.\u001b[39m"],
      [{ TERM: "xterm", NO_COLOR: "1" }, "Received: Authentication error."],
      [{ TERM: "dumb" }, "Received: Authentication error."],
    ] as const) {
      await using cli = new PtyCli([...peer.options, "brick"], env);
      expect(await cli.exitCode).toBe(1);
      expect(cli.screen).toContain(`${label}\r\n`);
    }
  });

  test("Ctrl-C ends a follow with the exit code 130", async () => {
    await using peer = await openPeer((socket) => socket.write(`${header}Following from line 1.\n`));
    await using cli = new PtyCli([...peer.options, "brick", "5"]);
    await cli.until("Following from line 1.");
    cli.type(keys.ctrlC);
    expect(await cli.exitCode).toBe(130);
  });
});
