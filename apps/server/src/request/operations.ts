/** What each operation does, and what it answers. The table of operations is in libs/protocol. */

import { randomInt } from "node:crypto";
import { UsersError } from "@wirebook/history";
import type { Actor, History, Snapshot, Users } from "@wirebook/history";
import { encodeFollowing, encodeSnapshotHeader } from "@wirebook/protocol";
import type { Command, Keep } from "@wirebook/protocol";
import manifest from "../../../../package.json" with { type: "json" };
import type { AuthThrottle } from "../auth/auth-throttle.ts";
import { createKey, hashKey } from "../auth/auth.ts";
import type { Authenticator } from "../auth/auth.ts";
import { ServerError } from "../errors.ts";
import type { RequestLog } from "../request-log.ts";
import type { Subscription, Subscriptions } from "./subscriptions.ts";

/** What the sessions of one server share. */
export interface ServerContext {
  readonly history: History;
  readonly users: Users;
  readonly log: RequestLog;
  readonly authenticator: Authenticator;
  readonly throttle: AuthThrottle;
  readonly subscriptions: Subscriptions;
  readonly counters: {
    /** On the monotonic clock. */
    readonly startedMs: number;
    /** Messages that were understood, from known users. */
    requests: number;
  };
  /** What comes before every response but `Authentication error.` [W-11], as text and as bytes. */
  readonly replyHeader: { readonly text: string; readonly bytes: Uint8Array };
}

/** What an operation needs of that. */
export type OperationContext = Pick<ServerContext, "history" | "users" | "subscriptions" | "counters">;

/** What follows the header of a reply: a text, and perhaps lines behind it, of which the session disposes. */
export interface Response {
  /** Empty, or whole lines. */
  readonly text: string;
  readonly snapshot?: Snapshot;
  readonly subscription?: Subscription;
}

const animals = (
  "adder alpaca auk badger bat bear beaver bee bison boar bream buck bunting calf carp cat chough cicada cod colt coot " +
  "crab crane crow cub curlew dab deer dove duck dunlin eagle eel egret eider elk ermine ewe falcon fawn ferret finch " +
  "fox frog gannet gecko gibbon goat goose grebe grouse gull hare hawk hen heron horse ibex ibis jackal jay kestrel kid " +
  "kite koala lamb lark lemur linnet lion llama lynx magpie marmot marten merlin minnow mole moose moth mouse mule newt " +
  "ocelot okapi oryx osprey otter owl ox panda perch pig pigeon pika pike plover pony puffin puma quail rabbit raven " +
  "robin rook ruff salmon seal serin shrew skua skylark sloth snail snipe sole sparrow squid stag stoat stork swan swift " +
  "tapir teal tench tern thrush tiger toad trout turtle viper vole walrus wasp weasel whale wolf wombat wren yak zebra"
).split(" ");

/** Names that are tried with numbers of one length before the numbers get longer. */
const nameTriesMax = 32;

/**
 * Does what a request asks for, at once where that takes no time.
 *
 * @throws HistoryError, UsersError, ServerError with the code of what went wrong; then nothing was acknowledged
 */
export function dispatch(command: Command, by: Actor, context: OperationContext): Response | Promise<Response> {
  const { history, subscriptions } = context;
  switch (command.verb) {
    case "list":
      return { text: "" }; // The link and the operations, which begin every reply, are the answer.
    case "delete-line":
      return history
        .deleteLine(by, command.line, command.time)
        .then(() => ({ text: `Deleted line ${command.line}.\n` }));
    case "read":
      // On request the version comes before the lines [W-22].
      return history
        .read(command)
        .then((snapshot) => ({ text: command.isSnapshot ? encodeSnapshotHeader(snapshot) : "", snapshot }));
    case "delete-all":
      return history.deleteAll(by).then(() => ({ text: "Deleted all.\n" }));
    case "create-user":
      return createUser(context, by, command.name);
    case "follow":
      return subscriptions
        .open(command.from)
        .then((subscription) => ({ text: encodeFollowing(subscription.from), subscription }));
    case "status":
      return status(context);
    case "archive":
      return archive(history, by, command.keep);
  }
}

/** @throws ServerError `no-archive` where the history is no file */
async function archive(history: History, by: Actor, keep: Keep): Promise<Response> {
  if (history.archive === undefined) {
    const instead = "ask the operator to copy it with wirebook history export FILE, and then delete lines with 1 or 3";
    throw new ServerError("no-archive", `this history is on NATS and has no file to archive lines beside; ${instead}`);
  }
  const { lines, file } = await history.archive(by, keep);
  return {
    text: lines === 0 ? "Archived no line, since all are to be kept.\n" : `Archived lines 1-${lines} in ${file}.\n`,
  };
}

/** How the server is, a `key: value` a line [W-10]. */
function status({ history, users, subscriptions, counters }: OperationContext): Response {
  const { lines, bytes } = history.size();
  const facts = {
    lines,
    bytes,
    requests: counters.requests,
    users: users.count,
    followers: subscriptions.count,
    uptime: `${Math.floor((performance.now() - counters.startedMs) / 1000)} s`,
    version: manifest.version,
    engine: history.engine,
  };
  const rows = Object.entries(facts).map(([key, value]) => `${key}: ${value}\n`);
  return { text: rows.join("") };
}

/**
 * Operation 4: registers the given name or a made-up one, and answers it with its key.
 *
 * The order prevents a half-made user. The store first does all that can fail, with the name reserved; then the result is
 * written into the history, durably; then the user counts; then the key is answered. If the history refuses the result,
 * there is no user. If the process dies right after the result, the history tells of a user whose key was never
 * sent, and the name is free. In the other order, a death would leave a name that is taken and has no known key.
 */
export async function createUser(
  { users, history }: OperationContext,
  by: Actor,
  wanted: string | undefined,
): Promise<Response> {
  for (;;) {
    const name = wanted ?? createName((each) => users.find(each) !== undefined);
    const key = createKey();
    const createdAt = new Date().toISOString();
    try {
      await users.add({ name, role: "member", keyHash: hashKey(name, key), createdAt, createdBy: by.user }, () =>
        history.record(by, { verb: "created-user", name }),
      );
      return { text: `${name}~${key}\n` };
    } catch (error) {
      // Another process took the name that was made up here: make up another.
      if (wanted !== undefined || !(error instanceof UsersError) || error.code !== "name-taken") throw error;
    }
  }
}

/**
 * A name that is free, such as `otter-42` [U-4]. Its number has two digits, and more only where those are taken.
 *
 * @param isTaken says whether a user has the name
 */
export function createName(isTaken: (name: string) => boolean): string {
  for (let tries = 0; ; tries++) {
    const digits = 2 + Math.floor(tries / nameTriesMax);
    const name = `${animals[randomInt(animals.length)]}-${randomInt(10 ** (digits - 1), 10 ** digits)}`;
    if (!isTaken(name)) return name;
  }
}
