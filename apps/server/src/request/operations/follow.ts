import { encodeFollowing } from "@wirebook/protocol";
import type { Response, RequestContext } from "./response.ts";

/** Operation 5: the lines from `from`, by default from the next one, and then every line as it is written [W-15]. */
export async function follow(context: RequestContext, from: number | undefined): Promise<Response> {
  const opened = await context.subscriptions.open(from);
  return { text: encodeFollowing(opened.from), follow: opened };
}
