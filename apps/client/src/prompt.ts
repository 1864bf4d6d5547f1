/**
 * The prompt: a message a line, with line editing, until Ctrl-D, or Ctrl-C on an empty line.
 *
 * While a message is on its way the terminal is given back its ordinary mode, so that Ctrl-C is a signal again and what
 * is typed ahead waits in the terminal, as it does in a shell.
 *
 * Alone on a line, `help`, `?`, `exit` and `quit` are for the prompt. All else is sent as it was typed, and so are lines that come
 * by a pipe or as arguments: there every line is a message.
 */

import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Writable } from "node:stream";
import type { ReadStream } from "node:tty";
import { describeHostPort } from "@wirebook/net";
import type { HostPort } from "@wirebook/net";
import { ProtocolError } from "@wirebook/protocol";
import { createMessage } from "./message.ts";
import type { Outgoing } from "./message.ts";
import type { Paint } from "./output/terminal-text.ts";

/** What a prompt works with. */
interface PromptOptions {
  readonly input: ReadStream;
  /** Where the prompt itself is written. */
  readonly output: Writable;
  readonly paint: Paint;
  readonly target: HostPort;
  readonly send: (outgoing: Outgoing) => Promise<unknown>;
  readonly printError: (sentence: string) => void;
}

/** What is for the prompt; with a space or `--` before it, it is a user's name like any other. */
const ownWord = /^(?<escape>\s+|--\s+)?(?<word>help|\?|exit|quit)\s*$/i;

const help = `  USER                         lists the operations of the server
  USER OPERATION [ARGUMENT…]   sends a message, such as: brick 2 -10
  help, ?                      prints this
  exit, quit, Ctrl-D           leaves
A space or -- before a word sends it to the server: "-- exit" sends the message "exit".
wirebook --help lists what can be said when it starts.
`;

/** Shows the prompt; resolves when the user leaves. */
export async function runPrompt(options: PromptOptions): Promise<void> {
  options.output.write(greeting(options));
  await new Prompt(options).left;
}

class Prompt {
  readonly left: Promise<void>;
  readonly #options: PromptOptions;
  readonly #interface: Interface;
  readonly #waiting: string[] = [];
  #isBusy = false;
  #hasLeft = false;

  constructor(options: PromptOptions) {
    this.#options = options;
    const { input, output, target, paint } = options;
    this.#interface = createInterface({
      input,
      output,
      terminal: true,
      removeHistoryDuplicates: true,
      prompt: paint.strong(`${describeHostPort(target)}> `),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.left = promise;
    this.#interface.on("line", (line) => {
      this.#waiting.push(line);
      void this.#work();
    });
    this.#interface.on("SIGINT", () => this.#interrupt());
    this.#interface.on("close", () => {
      if (!this.#hasLeft) output.write("\n");
      this.#hasLeft = true;
      resolve();
    });
    this.#interface.prompt();
  }

  /** Several lines may come at once, when they were pasted; they are sent in order, one exchange at a time. */
  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#interface.pause();
    this.#options.input.setRawMode(false);
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) await this.#take(line);
    this.#isBusy = false;
    if (this.#hasLeft) return;
    this.#options.input.setRawMode(true);
    this.#interface.prompt();
  }

  async #take(line: string): Promise<void> {
    if (line.trim() === "") return;
    const { escape, word } = ownWord.exec(line)?.groups ?? {};
    if (word === undefined) return await this.#send(line);
    if (escape !== undefined) return await this.#send(word);
    if (word === "?" || word.toLowerCase() === "help") return void this.#options.output.write(help);
    this.#hasLeft = true;
    this.#waiting.length = 0;
    this.#interface.close();
  }

  async #send(line: string): Promise<void> {
    const { send, printError } = this.#options;
    try {
      await send(createMessage(Buffer.from(line)));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      printError(error.message);
    }
  }

  /** As a shell has it: what was typed is given up; with nothing typed there is nothing to stay for. */
  #interrupt(): void {
    if (this.#interface.line === "") return this.#interface.close();
    this.#options.output.write("^C\n");
    this.#interface.write(null, { ctrl: true, name: "e" });
    this.#interface.write(null, { ctrl: true, name: "u" });
    this.#interface.prompt();
  }
}

function greeting({ target, paint }: PromptOptions): string {
  const lines = [
    `Wirebook at ${paint.strong(describeHostPort(target))}`,
    "Type a username to see the operations, or a whole message such as: brick 2",
    paint.faint("Ctrl-C ends a reply, help explains, exit or Ctrl-D leaves."),
  ];
  return `${lines.join("\n")}\n`;
}
