import type { Response, Scene } from "./response.ts";

/** Operation 2: the history as it stands now, or some of its lines. */
export async function read(scene: Scene, from: number | undefined, to: number | undefined): Promise<Response> {
  return { text: "", snapshot: await scene.history.read({ from, to }) };
}
