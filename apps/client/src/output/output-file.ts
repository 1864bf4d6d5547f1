/**
 * A file that an option names, written piece by piece. Each piece is in it at once, so `tail` and Wireshark can look on.
 *
 * Writing waits for the disk: a client serves its user alone, and so holds back the server instead of memory. Once
 * something could not be written, nothing more is, and the file ends with its last whole piece.
 */

import { closeSync, ftruncateSync, writeSync } from "node:fs";
import { openOutputFile } from "@wirebook/settings";
import type { OutputKind } from "@wirebook/settings";

export class OutputFile {
  readonly path: string;
  /** Why something could not be written. */
  problem: string | undefined;
  readonly #descriptor: number;
  #byteCount = 0;

  /** @throws SettingsError when it holds something else, or cannot be written */
  constructor(path: string, kind: OutputKind) {
    this.path = path;
    this.#descriptor = openOutputFile(path, kind);
  }

  /** Returns false when it could not be written. */
  write(piece: string | Uint8Array): boolean {
    if (this.problem !== undefined) return false;
    const bytes = Buffer.from(piece);
    try {
      // A full disk takes a part and says nothing; the next write then fails.
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
      this.#byteCount += bytes.length;
    } catch (error) {
      this.problem = (error as NodeJS.ErrnoException).code ?? String(error);
      this.#cut();
    }
    return this.problem === undefined;
  }

  /** Closes the file; returns a sentence when something is missing in it. */
  close(): string | undefined {
    closeSync(this.#descriptor);
    return this.problem && `${this.path} is not whole (${this.problem}); make room, and run this again`;
  }

  #cut(): void {
    try {
      ftruncateSync(this.#descriptor, this.#byteCount);
    } catch {
      // Best effort: a pipe cannot be cut, and its reader is gone.
    }
  }
}

/** Knows a file by the text with which it begins: at most 16 bytes of ASCII. */
export function beginsWith(text: string): OutputKind["isHead"] {
  return (head) => Buffer.from(head).toString("latin1").startsWith(text);
}
