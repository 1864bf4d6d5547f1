/**
 * What was typed at the prompt, kept for the next one: a line an entry, the oldest first.
 *
 * Keys are left out [H-5]; the file is still its owner's alone (mode 600), since usernames concern its owner alone. Each
 * line is appended when it is typed, so prompts that run side by side lose nothing of each other. A history that cannot
 * be kept is no reason to refuse the prompt: `problem` says why, and the prompt goes on without.
 */

import {
  appendFileSync,
  closeSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { redactMessage } from "@wirebook/protocol";

/** Bytes of the kept history that are read when a prompt starts; lines before them are forgotten. */
export const promptHistoryBytesMax = 1024 * 1024;

/** Lines that the prompt remembers from one run to the next. */
export const promptHistoryLinesMax = 500;

/** The file for a user's prompt history, by the XDG Base Directory Specification. */
export function promptHistoryPath(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const given = env.XDG_STATE_HOME ?? "";
  // The specification has relative paths ignored.
  return join(isAbsolute(given) ? given : join(home, ".local", "state"), "wirebook", "prompt-history");
}

/** The lines typed at prompts, this one's included. */
export class PromptHistory {
  readonly #path: string;
  #lines: string[] = [];
  #problem: string | undefined;

  /** Reads the file, and shortens it where it has outgrown its bound. */
  constructor(path: string) {
    this.#path = path;
    this.#try(() => this.#load());
  }

  /** The newest first, as `node:readline` wants them. */
  get lines(): string[] {
    return this.#lines.toReversed();
  }

  /** Why nothing is kept, once something has gone wrong. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Adds what was typed, unless it repeats the line before. */
  add(typed: string): void {
    const line = redactMessage(typed.trim());
    if (line === "" || line === this.#lines.at(-1)) return;
    this.#lines.push(line);
    if (this.#problem === undefined) this.#try(() => appendFileSync(this.#path, `${line}\n`, { mode: 0o600 }));
  }

  /** Reads the last bytes of the file, which is made where there is none. */
  #load(): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const file = openSync(this.#path, "a+", 0o600);
    try {
      fchmodSync(file, 0o600);
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(Math.min(size, promptHistoryBytesMax));
      const count = readSync(file, bytes, 0, bytes.length, size - bytes.length);
      // Of a larger file the first line that is read is cut.
      const from = size > bytes.length ? bytes.indexOf("\n") + 1 : 0;
      const all = bytes.toString("utf8", from, count).split("\n");
      this.#lines = all.filter((line) => line !== "").slice(-promptHistoryLinesMax);
      if (size > bytes.length || all.length > promptHistoryLinesMax + 1) this.#shorten();
    } finally {
      closeSync(file);
    }
  }

  #shorten(): void {
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, this.#lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    renameSync(temporary, this.#path);
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
  }
}
