import type { Response, RequestContext } from "./response.ts";

/** Operation 1: deletes one line, if `time` is given only where the line still begins with it. */
export async function deleteLine(context: RequestContext, line: number, time: string | undefined): Promise<Response> {
  await context.history.deleteLine({ user: context.user, address: context.address }, line, time);
  return { text: `Deleted line ${line}.\n` };
}
