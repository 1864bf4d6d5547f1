/** One line of the table that `--trace` prints. */
export interface TraceRow {
  /** Milliseconds of `performance.now()`; absent in a row that only sums up. */
  readonly atMs?: number | undefined;
  /** When the last of several things in one row happened. */
  readonly untilMs?: number;
  readonly step: string;
  /** Whether this end did it, the server did it, or something went wrong. */
  readonly direction: "out" | "in" | "wrong" | "none";
  readonly meaning: string;
}
