/**
 * What a history is called on a NATS cluster, and what its messages carry.
 *
 * A history NAME is one stream, NAME, with two subjects: `NAME.line` for what was asked, `NAME.change` for the outcomes
 * of what changed something. Each message is one line. Its sequence in the stream is its place in the one order on which
 * all servers agree, and is never shown: users see ranks. Beside it are two key-value buckets, NAME-state and
 * NAME-users.
 */

/** Subjects and buckets of one history. */
export interface Names {
  readonly stream: string;
  readonly line: string;
  readonly change: string;
  readonly state: string;
  readonly users: string;
}

/** @param history letters, digits, `_` and `-`, as NATS allows in the name of a stream and of a bucket */
export function namesOf(history: string): Names {
  return {
    stream: history,
    line: `${history}.line`,
    change: `${history}.change`,
    state: `${history}-state`,
    users: `${history}-users`,
  };
}

/** Headers of a message; the first three are the server's own (NATS ADR-31 and the JetStream publish headers). */
export const headers = {
  /** Given once in the stream's duplicate window: a publish that is tried again counts once. */
  id: "Nats-Msg-Id",
  /** A change is stored only if no other change came since its author looked. */
  lastOfSubject: "Nats-Expected-Last-Subject-Sequence",
  /** Which stream is meant, so that a line never ends up in another one that listens to the same subject. */
  stream: "Nats-Expected-Stream",
  /** The sequence of the line that this outcome deletes, or `all` that came before it. */
  erases: "Wirebook-Erases",
  /** Bytes of the line that this outcome deletes. */
  erasedBytes: "Wirebook-Erased-Bytes",
  /** Set on a line that no Wirebook wrote: its text is the whole line, time or none. */
  foreign: "Wirebook-Foreign",
} as const;
