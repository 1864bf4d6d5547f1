import { UsersError } from "@wirebook/history";
import { createKey, hashKey } from "../../auth/key.ts";
import { createName } from "../../auth/names.ts";
import type { Response, RequestContext } from "./response.ts";

/**
 * Operation 4: registers a name, the one that was asked for or a new one, and answers it with its key.
 *
 * The order keeps a user from being half-made. The store first does all that can fail, with the name held against
 * everybody else; then the outcome is written into the history, durably; then the user counts; then the key is
 * answered. Where the history does not take the outcome, there is no user and the name is free. Where the process dies
 * right behind the outcome, the history tells of a user whose key nobody ever got, and the name is free as well. The
 * other way round, a death would leave a name that is taken and that nobody can use.
 */
export async function createUser(context: RequestContext, wanted: string | undefined): Promise<Response> {
  for (;;) {
    const name = wanted ?? createName((each) => context.users.find(each) !== undefined);
    const key = createKey();
    try {
      await add(context, name, key);
      return { text: `${name}~${key}\n` };
    } catch (error) {
      // Another process took the name that was made up here: make up another.
      if (wanted !== undefined || !(error instanceof UsersError) || error.code !== "name-taken") throw error;
    }
  }
}

async function add({ users, history, user, address }: RequestContext, name: string, key: string): Promise<void> {
  const createdAt = new Date().toISOString();
  await users.add({ name, role: "member", keyHash: hashKey(name, key), createdAt, createdBy: user }, () =>
    history.record({ user, address }, { verb: "created-user", name }),
  );
}
