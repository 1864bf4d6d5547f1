/** What each operation does, and what it answers. The table of operations is in libs/protocol. */

import { randomInt } from "node:crypto";
import { UsersError, type Actor, type History, type Snapshot, type Users } from "@wirebook/history";
import { encodeFollowing, encodeSnapshotHeader, type Command, type Keep } from "@wirebook/protocol";
import manifest from "../../../../package.json" with { type: "json" };
import type { AuthThrottle } from "../auth/auth-throttle.ts";
import { createKey, hashKey, type Authenticator } from "../auth/auth.ts";
import { ServerError } from "../errors.ts";
import type { RequestLog } from "../request-log.ts";
import type { Follow, Follows } from "./follows.ts";

/** What the sessions of one server share. */
export interface ServerContext {
  readonly history: History;
  readonly users: Users;
  readonly log: RequestLog;
  readonly authenticator: Authenticator;
  readonly throttle: AuthThrottle;
  readonly follows: Follows;
  /** Since when it runs, on the monotonic clock, and the messages that were understood, from known users. */
  readonly counters: { readonly startedMs: number; requests: number };
  /** What comes before every response but `Authentication error.` [W-11], as text and as bytes. */
  readonly replyHeader: { readonly text: string; readonly bytes: Uint8Array };
}

type Operation = Exclude<Command, { readonly verb: "list" }>;

export type OperationContext = Pick<ServerContext, "history" | "users" | "follows" | "counters">;

/** What follows the header of a reply: whole lines as text, perhaps with lines behind it, of which the session disposes. */
export interface Response {
  readonly text: string;
  readonly snapshot?: Snapshot;
  readonly follow?: Follow;
}

const animals = (
  "alpaca badger bat bear beaver bison boar carp cat colt crab crane crow deer dove duck eagle eel elk falcon ferret " +
  "finch fox frog goat goose hare hawk hen heron horse ibex jackal jay kid kite koala lamb lark lemur lion llama lynx " +
  "marten mole moose mouse newt otter owl ox panda perch pig pike pony puffin quail rabbit raven robin salmon seal sloth " +
  "snail sole squid stag stork swan swift tiger trout turtle walrus weasel whale wolf wombat wren yak zebra"
).split(" ");

/** Names that are tried with numbers of one length before the numbers get longer. */
const nameTriesMax = 32;

/** @throws HistoryError, UsersError, ServerError with the code of what went wrong; then nothing was acknowledged */
export async function dispatch(command: Operation, by: Actor, context: OperationContext): Promise<Response> {
  const { history, follows } = context;
  switch (command.verb) {
    case "delete-line":
      await history.deleteLine(by, command.line, command.time);
      return { text: `Deleted line ${command.line}.\n` };
    case "read": {
      const snapshot = await history.read(command);
      // On request the version comes before the lines [W-22].
      return { text: command.isSnapshot ? encodeSnapshotHeader(snapshot) : "", snapshot };
    }
    case "delete-all":
      await history.deleteAll(by);
      return { text: "Deleted all.\n" };
    case "create-user":
      return { text: await createUser(context, by, command.name) };
    case "follow": {
      const follow = await follows.open(command.from);
      return { text: encodeFollowing(follow.from), follow };
    }
    case "status":
      return { text: status(context) };
    case "archive":
      return { text: await archive(history, by, command.keep) };
  }
}

/** @throws ServerError `no-archive` where the history is no file */
async function archive(history: History, by: Actor, keep: Keep): Promise<string> {
  if (history.archive === undefined) {
    const instead = "ask the operator to copy it with wirebook history export FILE, and then delete lines with 1 or 3";
    throw new ServerError("no-archive", `this history is on NATS and has no file to archive lines beside; ${instead}`);
  }
  const { lines, file } = await history.archive(by, keep);
  return lines === 0 ? "Archived no line, since all are to be kept.\n" : `Archived lines 1-${lines} in ${file}.\n`;
}

/** How the server is, a `key: value` a line [W-10]. */
function status({ history, users, follows, counters }: OperationContext): string {
  const facts = {
    ...history.size(),
    requests: counters.requests,
    users: users.count,
    followers: follows.count,
    uptime: `${Math.floor((performance.now() - counters.startedMs) / 1000)} s`,
    version: manifest.version,
    engine: history.engine,
  };
  return Object.entries(facts)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join("");
}

/**
 * Operation 4: registers the given name or a made-up one, and answers it with its key. The result is durable in the history
 * before the user counts: if the process dies between, the history tells of a user whose name is free.
 */
export async function createUser({ users, history }: OperationContext, by: Actor, wanted?: string): Promise<string> {
  for (;;) {
    const name = wanted ?? createName((each) => users.find(each) !== undefined);
    const key = createKey();
    const made = { createdAt: new Date().toISOString(), createdBy: by.user };
    const user = { name, role: "member", keyHash: hashKey(name, key), ...made } as const;
    try {
      await users.add(user, () => history.record(by, { verb: "created-user", name }));
      return `${name}~${key}\n`;
    } catch (error) {
      // Another process took the name that was made up here: make up another.
      if (wanted !== undefined || !(error instanceof UsersError) || error.code !== "name-taken") throw error;
    }
  }
}

/** A name such as `otter-42` that is free [U-4]. Its number has two digits, and more only where those are taken. */
export function createName(isTaken: (name: string) => boolean): string {
  for (let tries = 0; ; tries++) {
    const digits = 2 + Math.floor(tries / nameTriesMax);
    const name = `${animals[randomInt(animals.length)]}-${randomInt(10 ** (digits - 1), 10 ** digits)}`;
    if (!isTaken(name)) return name;
  }
}
