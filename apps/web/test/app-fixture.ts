import { Operations } from "../src/streams/operations.svelte.ts";
import { expect } from "vitest";
import { Streams } from "../src/streams/streams.svelte.ts";
import { Follower } from "../src/history/replica/follower.svelte.ts";
import { History } from "../src/history/replica/history.svelte.ts";
import { Peer } from "./gateway-peer.ts";

/** A page's history in front of a peer whose history has some lines. */
export function openScene(lines = 0) {
  const peer = new Peer();
  for (let n = 1; n <= lines; n++) peer.append(`otter ${n}`);
  const operations = new Operations();
  const streams = new Streams(peer.connection, (header) => (operations.list = header.operations));
  peer.serve(streams);
  const history = new History();
  const follower = new Follower(streams, operations, history);
  history.user = "brick";
  return { peer, streams, operations, history, follower };
}

export type Scene = ReturnType<typeof openScene>;

export async function untilState({ follower }: Scene, state: string): Promise<void> {
  await expect.poll(() => follower.state, { interval: 1 }).toBe(state);
}

/** A scene that is live. */
export async function openLiveScene(lines: number): Promise<Scene> {
  const scene = openScene(lines);
  void scene.follower.start();
  await untilState(scene, "live");
  await expectInStep(scene);
  return scene;
}

/** Waits until the copy has the history's newest line, and checks every line that it holds. */
export async function expectInStep({ peer, history }: Scene): Promise<void> {
  await expect.poll(() => history.current.at(peer.lines.length), { interval: 1 }).toBe(peer.lines.at(-1));
  expect(history.current.last).toBe(peer.lines.length);
  peer.lines.forEach((line, index) => expect(history.current.at(index + 1) ?? line).toBe(line));
}
