/**
 * Where a stream is shown. On a terminal, lines are typed while text comes: what is typed is redrawn behind it.
 *
 * An open line of the target's, such as `login: `, is what `node:readline` knows as its prompt. So it stays when the line
 * that is typed behind it is edited. Without a terminal everything is written as it is.
 */

import { clearScreenDown, createInterface, cursorTo, moveCursor } from "node:readline";
import type { Interface } from "node:readline";
import type { Io, Output } from "../command.ts";

/** Characters of an open line that are redrawn together with what is typed behind it. */
const openLineCharactersMax = 200;

export class Screen {
  readonly #out: Output;
  readonly #errorOut: Output;
  /** Where the typing is seen. */
  readonly #terminal: Output;
  #lines: Interface | undefined;
  #openLine = "";

  constructor({ out, errorOut }: Pick<Io, "out" | "errorOut">) {
    this.#out = out;
    this.#errorOut = errorOut;
    this.#terminal = out.isTTY === true ? out : errorOut;
  }

  /** Begins to read lines from a terminal; `onEnd` is told of Ctrl-D, `onInterrupt` of Ctrl-C. */
  readLines(input: Io["input"], on: { line(line: string): void; end(): void; interrupt(): void }): void {
    const isTerminal = this.#terminal.isTTY === true;
    const lines = createInterface({ input, output: this.#terminal, terminal: isTerminal, prompt: "" });
    lines.on("line", (line) => {
      this.#openLine = "";
      lines.setPrompt("");
      on.line(line);
    });
    lines.on("SIGINT", () => on.interrupt());
    lines.on("close", () => {
      this.#lines = undefined;
      on.end();
    });
    this.#lines = lines;
  }

  write(data: string | Uint8Array): void {
    if (typeof data === "string" && this.#out.isTTY === true) this.#draw(data);
    else this.#out.write(data);
  }

  /** Says on standard error, on lines of its own, what is no data. */
  note(text: string | Uint8Array): void {
    if (this.#errorOut.isTTY !== true) this.#errorOut.write(text);
    else this.#draw(this.#openLine === "" ? String(text) : `\n${String(text)}`);
  }

  /** Reads no more lines, and ends an open one. */
  close(): void {
    const typed = this.#lines?.line ?? "";
    this.#lines?.close();
    if (this.#terminal.isTTY === true && this.#openLine + typed !== "") this.#terminal.write("\n");
    this.#openLine = "";
  }

  #draw(text: string): void {
    const lines = this.#lines;
    const isTyping = lines !== undefined && lines.line !== "";
    const shown = this.#openLine + text;
    const end = shown.lastIndexOf("\n") + 1;
    if (isTyping) {
      // Whole lines take the place of the open line and of what is typed, which then follow them.
      moveCursor(this.#terminal, 0, -lines.getCursorPos().rows);
      cursorTo(this.#terminal, 0);
      clearScreenDown(this.#terminal);
      this.#terminal.write(shown.slice(0, end));
      // Undocumented: so many rows readline goes up before it draws again, and the cursor stands in the first one now.
      Object.assign(lines, { prevRows: 0 });
    } else this.#terminal.write(text);
    this.#openLine = shown.slice(end).slice(-openLineCharactersMax);
    lines?.setPrompt(this.#openLine);
    if (isTyping) lines.prompt(true);
  }
}
