import type { Actor, AppendResult } from "../history.ts";

/** A delete that was asked for and has neither taken effect nor been refused. */
export interface Deletion {
  readonly by: Actor;
  /** A position at the moment it takes effect, or all lines. */
  readonly line: number | "all";
  /** The first word that the line must have. */
  readonly head: string | undefined;
  readonly resolve: (written: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}
