import type { Response, RequestContext } from "./response.ts";

/** Operation 3: replaces the history by one line that says by whom. */
export async function deleteAll({ history, user, address }: RequestContext): Promise<Response> {
  await history.deleteAll({ user, address });
  return { text: "Deleted all.\n" };
}
