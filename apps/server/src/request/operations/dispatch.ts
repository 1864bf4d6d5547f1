import type { Command } from "@wirebook/protocol";
import { createUser } from "./create-user.ts";
import { deleteAll } from "./delete-all.ts";
import { deleteLine } from "./delete-line.ts";
import { follow } from "./follow.ts";
import { list } from "./list.ts";
import { read } from "./read.ts";
import type { Response, RequestContext } from "./response.ts";
import { status } from "./status.ts";

/**
 * Does what was asked and says what to answer.
 *
 * @throws HistoryError, UsersError with the code of what went wrong; then nothing was acknowledged
 */
export async function dispatch(command: Command, context: RequestContext): Promise<Response> {
  switch (command.verb) {
    case "list":
      return list();
    case "delete-line":
      return deleteLine(context, command.line, command.time);
    case "read":
      return read(context, command.from, command.to);
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
