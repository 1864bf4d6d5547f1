/**
 * The prompt: a message a line, with line editing, until Ctrl-D, or Ctrl-C on an empty line.
 *
 * While a message is on its way the terminal is given back its ordinary mode, so that Ctrl-C is a signal again and what
 * is typed ahead waits in the terminal, as it does in a shell. `exit` and `quit` are for the prompt alone; a space before them sends them.
 */

import { createInterface } from "node:readline/promises";
import type { ReadStream } from "node:tty";
import { describeHostPort, type HostPort } from "@wirebook/net";
import { ProtocolError } from "@wirebook/protocol";
import type { Io } from "./command.ts";

export async function runPrompt(
  server: HostPort,
  send: (line: Uint8Array) => Promise<unknown>,
  { input, out, errorOut, paint, errorPaint, printError }: Io,
): Promise<void> {
  const terminal = input as ReadStream;
  const [output, { strong, faint }] = out.isTTY === true ? [out, paint] : [errorOut, errorPaint];
  const place = describeHostPort(server);
  output.write(`Wirebook at ${strong(place)}
Type a username to see the operations, or a whole message such as: brick 2
${faint("Ctrl-C ends a reply, exit or Ctrl-D leaves. wirebook --help explains more.")}
`);
  const prompt = strong(`${place}> `);
  using lines = createInterface({ input, output, terminal: true, removeHistoryDuplicates: true, prompt });
  let isClosed = false;
  lines.once("close", () => (isClosed = true));
  // As a shell has it: what was typed is given up; with nothing typed there is nothing to stay for.
  lines.on("SIGINT", () => {
    if (lines.line === "") return lines.close();
    output.write("^C\n");
    lines.write(null, { ctrl: true, name: "e" });
    lines.write(null, { ctrl: true, name: "u" });
    lines.prompt();
  });
  lines.prompt();
  // Several lines may come at once, when they were pasted; they are sent in order, one exchange at a time.
  for await (const line of lines) {
    const word = line.trimEnd().toLowerCase();
    if (word === "exit" || word === "quit") return;
    lines.pause();
    terminal.setRawMode(false);
    if (line.trim() !== "") {
      try {
        await send(Buffer.from(line));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        printError(error.message);
      }
    }
    if (isClosed) continue;
    terminal.setRawMode(true);
    lines.prompt();
  }
  output.write("\n");
}
