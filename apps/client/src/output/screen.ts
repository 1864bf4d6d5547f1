/**
 * Where a stream is shown. On a terminal, lines are typed while text comes: what is typed is redrawn behind it.
 *
 * An open line of the target's, such as `login: `, is what `node:readline` knows as its prompt. So it stays when the line
 * that is typed behind it is edited. Without a terminal everything is written as it is.
 */

import { clearScreenDown, createInterface, cursorTo, moveCursor } from "node:readline";
import type { Interface } from "node:readline";
import type { Readable } from "node:stream";
import type { Output } from "../io.ts";

/** Characters of an open line that are redrawn together with what is typed behind it. */
const openLineCharactersMax = 200;

/** Who is told what is typed. */
interface TypingListener {
  onLine(line: string): void;
  /** Ctrl-D. */
  onEnd(): void;
  /** Ctrl-C. */
  onInterrupt(): void;
}

/** Standard output and standard error, and the lines that are typed. */
export class Screen {
  readonly #out: Output;
  readonly #errorOut: Output;
  /** Where the typing is seen. */
  readonly #terminal: Output;
  #interface: Interface | undefined;
  #openLine = "";

  constructor(out: Output, errorOut: Output) {
    this.#out = out;
    this.#errorOut = errorOut;
    this.#terminal = out.isTTY === true ? out : errorOut;
  }

  /** Begins to read lines from a terminal. */
  readLines(input: Readable, listener: TypingListener): void {
    const lines = createInterface({
      input,
      output: this.#terminal,
      terminal: this.#terminal.isTTY === true,
      prompt: "",
    });
    lines.on("line", (line) => {
      this.#openLine = "";
      lines.setPrompt("");
      listener.onLine(line);
    });
    lines.on("SIGINT", () => listener.onInterrupt());
    lines.on("close", () => {
      this.#interface = undefined;
      listener.onEnd();
    });
    this.#interface = lines;
  }

  /** Shows data. */
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
    const typed = this.#interface?.line ?? "";
    this.#interface?.close();
    if (this.#terminal.isTTY === true && this.#openLine + typed !== "") this.#terminal.write("\n");
    this.#openLine = "";
  }

  #draw(text: string): void {
    const typed = this.#interface?.line ?? "";
    const shown = this.#openLine + text;
    const end = shown.lastIndexOf("\n") + 1;
    if (typed === "") this.#terminal.write(text);
    else this.#replaceTyped(shown.slice(0, end));
    this.#openLine = shown.slice(end).slice(-openLineCharactersMax);
    this.#interface?.setPrompt(this.#openLine);
    if (typed !== "") this.#interface?.prompt(true);
  }

  /** Writes lines in the place of an open line and of what is typed. */
  #replaceTyped(lines: string): void {
    const { rows = 0 } = this.#interface?.getCursorPos() ?? {};
    moveCursor(this.#terminal, 0, -rows);
    cursorTo(this.#terminal, 0);
    clearScreenDown(this.#terminal);
    this.#terminal.write(lines);
    // Undocumented: so many rows readline goes up before it draws again, and the cursor stands in the first one now.
    Object.assign(this.#interface ?? {}, { prevRows: 0 });
  }
}
