import type { History, Users } from "@wirebook/history";
import type { Followers } from "./followers.ts";
import type { Terminal } from "./terminal.ts";
import type { Guesses } from "./users/guesses.ts";
import type { Door } from "./who.ts";

/** What is counted from the start on. */
export interface Tally {
  /** On the monotonic clock. */
  readonly startedMs: number;
  /** Messages that were understood, from somebody known. */
  requests: number;
}

/** What the sessions of one server share. */
export interface Context {
  readonly history: History;
  readonly users: Users;
  readonly terminal: Terminal;
  readonly door: Door;
  readonly guesses: Guesses;
  readonly tally: Tally;
  readonly followers: Followers;
  /** What comes before every response but `Authentication error.` [W-11]. */
  readonly beginning: string;
}
