import { encodeSnapshotHeader } from "@wirebook/protocol";
import type { RequestContext } from "../../server-context.ts";
import type { Response } from "../reply.ts";

/** Operation 2: the history as it stands now, or some of its lines; on request with its version before them [W-22]. */
export async function read(
  context: RequestContext,
  from: number | undefined,
  to: number | undefined,
  isSnapshot: boolean,
): Promise<Response> {
  const snapshot = await context.history.read({ from, to });
  return { text: isSnapshot ? encodeSnapshotHeader(snapshot) : "", snapshot };
}
