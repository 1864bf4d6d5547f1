import type { RequestContext } from "../../server-context.ts";
import type { Response } from "../reply.ts";

/** Operation 2: the history as it stands now, or some of its lines. */
export async function read(
  context: RequestContext,
  from: number | undefined,
  to: number | undefined,
): Promise<Response> {
  return { text: "", snapshot: await context.history.read({ from, to }) };
}
