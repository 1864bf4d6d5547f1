import type { Command } from "@wirebook/protocol";
import { createUser } from "./create-user.ts";
import { deleteAll } from "./delete-all.ts";
import { deleteLine } from "./delete-line.ts";
import { follow } from "./follow.ts";
import { list } from "./list.ts";
import { read } from "./read.ts";
import type { Response, Scene } from "./response.ts";
import { status } from "./status.ts";

/**
 * Does what was asked and says what to answer.
 *
 * @throws HistoryError, UsersError with the code of what went wrong; then nothing was acknowledged
 */
export async function perform(command: Command, scene: Scene): Promise<Response> {
  switch (command.verb) {
    case "list":
      return list();
    case "delete-line":
      return deleteLine(scene, command.line, command.time);
    case "read":
      return read(scene, command.from, command.to);
    case "delete-all":
      return deleteAll(scene);
    case "create-user":
      return createUser(scene, command.name);
    case "follow":
      return follow(scene, command.from);
    case "status":
      return status(scene);
  }
}
