import type { Response, Scene } from "./response.ts";

/** Operation 1: deletes one line, if `time` is given only where the line still begins with it. */
export async function deleteLine(scene: Scene, line: number, time: string | undefined): Promise<Response> {
  await scene.history.deleteLine({ user: scene.user, address: scene.address }, line, time);
  return { text: `Deleted line ${line}.\n` };
}
