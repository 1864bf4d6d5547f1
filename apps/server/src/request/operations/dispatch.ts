/** What each operation does, and what it answers. The table of operations is in libs/protocol. */

import { encodeFollowing, encodeSnapshotHeader } from "@wirebook/protocol";
import type { Command, Keep } from "@wirebook/protocol";
import manifest from "../../../../../package.json" with { type: "json" };
import { ServerError } from "../../errors.ts";
import type { RequestContext } from "../../server-context.ts";
import type { Response } from "../reply.ts";
import { createUser } from "./create-user.ts";

/**
 * Does what a request asks for.
 *
 * @throws HistoryError, UsersError with the code of what went wrong; then nothing was acknowledged
 */
export async function dispatch(command: Command, context: RequestContext): Promise<Response> {
  const { history, subscriptions, user, address } = context;
  switch (command.verb) {
    case "list":
      return { text: "" }; // The link and the operations, which begin every reply, are the answer.
    case "delete-line":
      await history.deleteLine({ user, address }, command.line, command.time);
      return { text: `Deleted line ${command.line}.\n` };
    case "read": {
      const snapshot = await history.read(command);
      // On request the version comes before the lines [W-22].
      return { text: command.isSnapshot ? encodeSnapshotHeader(snapshot) : "", snapshot };
    }
    case "delete-all":
      await history.deleteAll({ user, address });
      return { text: "Deleted all.\n" };
    case "create-user":
      return createUser(context, command.name);
    case "follow": {
      const subscription = await subscriptions.open(command.from);
      return { text: encodeFollowing(subscription.from), subscription };
    }
    case "status":
      return status(context);
    case "archive":
      return archive(command.keep, context);
  }
}

/** @throws ServerError `no-archive` where the history is no file */
async function archive(keep: Keep, { history, user, address }: RequestContext): Promise<Response> {
  if (history.archive === undefined) {
    const instead = "ask the operator to copy it with wirebook history export FILE, and then delete lines with 1 or 3";
    throw new ServerError("no-archive", `this history is on NATS and has no file to archive lines beside; ${instead}`);
  }
  const { lines, file } = await history.archive({ user, address }, keep);
  return {
    text: lines === 0 ? "Archived no line, since all are to be kept.\n" : `Archived lines 1-${lines} in ${file}.\n`,
  };
}

/** How the server is, a `key: value` a line [W-10]. */
function status({ history, users, subscriptions, counters }: RequestContext): Response {
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
