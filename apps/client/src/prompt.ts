/**
 * The prompt: a message a line, with line editing, until Ctrl-D, or Ctrl-C on an empty line.
 *
 * While a message is on its way the terminal is given back its ordinary mode, so that Ctrl-C is a signal again and what
 * is typed ahead waits in the terminal, as it does in a shell.
 *
 * Alone on a line, `help`, `?`, `exit` and `quit` are for the prompt. All else is sent as it was typed, and so are lines that come
 * by a pipe or as arguments: there every line is a message.
 */

import { createInterface } from "node:readline/promises";
import type { ReadStream } from "node:tty";
import { describeHostPort } from "@wirebook/net";
import type { HostPort } from "@wirebook/net";
import { ProtocolError } from "@wirebook/protocol";
import type { Io } from "./io.ts";
import { createMessage } from "./message.ts";
import type { Outgoing } from "./message.ts";

/** What is for the prompt; with a space or `--` before it, it is a user's name like any other. */
const ownWord = /^(?<escape>\s+|--\s+)?(?<word>help|\?|exit|quit)\s*$/i;

const help = `  USER                         lists the operations of the server
  USER OPERATION [ARGUMENT…]   sends a message, such as: brick 2 -10
  help, ?                      prints this
  exit, quit, Ctrl-D           leaves
A space or -- before a word sends it to the server: "-- exit" sends the message "exit".
wirebook --help lists what can be said when it starts.
`;

interface PromptOptions {
  readonly server: HostPort;
  readonly send: (outgoing: Outgoing) => Promise<unknown>;
}

/** Shows the prompt; resolves when the user leaves. */
export async function runPrompt({ server, send }: PromptOptions, io: Io): Promise<void> {
  const input = io.input as ReadStream;
  const [output, paint] = io.out.isTTY === true ? [io.out, io.paint] : [io.errorOut, io.errorPaint];
  const place = describeHostPort(server);
  output.write(`Wirebook at ${paint.strong(place)}
Type a username to see the operations, or a whole message such as: brick 2
${paint.faint("Ctrl-C ends a reply, help explains, exit or Ctrl-D leaves.")}
`);
  const prompt = paint.strong(`${place}> `);
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
    const { escape, word = "" } = ownWord.exec(line)?.groups ?? {};
    const command = escape === undefined ? word.toLowerCase() : "";
    if (command === "exit" || command === "quit") return;
    lines.pause();
    input.setRawMode(false);
    if (command !== "") output.write(help);
    else if (line.trim() !== "") await sendLine(escape === undefined ? line : word);
    if (isClosed) continue;
    input.setRawMode(true);
    lines.prompt();
  }
  output.write("\n");

  async function sendLine(line: string): Promise<void> {
    try {
      await send(createMessage(Buffer.from(line)));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      io.printError(error.message);
    }
  }
}
