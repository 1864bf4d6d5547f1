/** What each operation does, and what it answers. The table of operations is in libs/protocol. */

import { encodeFollowing, encodeSnapshotHeader } from "@wirebook/protocol";
import type { Command } from "@wirebook/protocol";
import server from "../../../package.json" with { type: "json" };
import type { RequestContext } from "../../server-context.ts";
import type { Response } from "../reply.ts";
import { createUser } from "./create-user.ts";

/**
 * Does what a request asks for.
 *
 * @throws HistoryError, UsersError with the code of what went wrong; then nothing was acknowledged
 */
export async function dispatch(command: Command, context: RequestContext): Promise<Response> {
  switch (command.verb) {
    case "list":
      return { text: "" }; // The link and the operations, which begin every reply, are the answer.
    case "delete-line":
      return deleteLine(context, command.line, command.time);
    case "read":
      return read(context, command);
    case "delete-all":
      return deleteAll(context);
    case "create-user":
      return createUser(context, command.name);
    case "follow":
      return follow(context, command.from);
    case "status":
      return status(context);
  }
}

/** Operation 1: deletes one line; if `time` is given, only where the line still begins with it. */
async function deleteLine(context: RequestContext, line: number, time: string | undefined): Promise<Response> {
  const { history, user, address } = context;
  await history.deleteLine({ user, address }, line, time);
  return { text: `Deleted line ${line}.\n` };
}

/** Operation 2: the history as it stands now, or some of its lines; on request with its version before them [W-22]. */
async function read(
  { history }: RequestContext,
  { from, to, isSnapshot }: Extract<Command, { verb: "read" }>,
): Promise<Response> {
  const snapshot = await history.read({ from, to });
  return { text: isSnapshot ? encodeSnapshotHeader(snapshot) : "", snapshot };
}

/** Operation 3: replaces the history by one line that says who deleted it. */
async function deleteAll({ history, user, address }: RequestContext): Promise<Response> {
  await history.deleteAll({ user, address });
  return { text: "Deleted all.\n" };
}

/** Operation 5: the lines from `from`, by default from the next one, and then every line as it is written [W-15]. */
async function follow({ subscriptions }: RequestContext, from: number | undefined): Promise<Response> {
  const subscription = await subscriptions.open(from);
  return { text: encodeFollowing(subscription.from), subscription };
}

/** Operation 6: how the server is, a `key: value` a line [W-10]. */
function status({ history, users, subscriptions, counters }: RequestContext): Response {
  const { lines, bytes } = history.size();
  const facts = {
    lines,
    bytes,
    requests: counters.requests,
    users: users.count,
    followers: subscriptions.count,
    uptime: `${Math.floor((performance.now() - counters.startedMs) / 1000)} s`,
    version: server.version,
    engine: history.engine,
  };
  const rows = Object.entries(facts).map(([key, value]) => `${key}: ${value}\n`);
  return { text: rows.join("") };
}
