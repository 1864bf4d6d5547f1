import type { Readable, Writable } from "node:stream";
import type { Paint } from "./output/terminal-text.ts";

/** A stream of the process. */
export type Output = Writable & { readonly isTTY?: boolean };

/** What commands work with, as the process has it. */
export interface Io {
  readonly input: Readable & { readonly isTTY?: boolean };
  /** For data: while it is full, the target is not read. */
  readonly out: Output;
  /** For all that is no data. */
  readonly errorOut: Output;
  readonly paint: Paint;
  readonly errorPaint: Paint;
  /** Says a sentence on standard error. */
  readonly printError: (sentence: string) => void;
  /** Calls back at each Ctrl-C until the function that it returns is called. */
  readonly listenForInterrupt: (listener: () => void) => () => void;
  /** The name and version of this program, for the files that it writes. */
  readonly program: string;
}
