import type { History } from "@wirebook/history";
import type { Followers } from "./followers.ts";
import type { Terminal } from "./terminal.ts";
import type { Identify } from "./who.ts";

/** What the sessions of one server share. */
export interface Context {
  readonly history: History;
  readonly terminal: Terminal;
  readonly identify: Identify;
  readonly followers: Followers;
  /** What comes before every response but `Authentication error.` [W-11]. */
  readonly beginning: string;
}
