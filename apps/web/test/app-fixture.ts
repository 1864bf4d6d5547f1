import { encodeResultEntry, timestampOf } from "@wirebook/protocol";
import { Operations } from "../src/streams/operations.svelte.ts";
import { expect } from "vitest";
import { Streams } from "../src/streams/streams.svelte.ts";
import type { LineCache } from "../src/history/replica/line-cache.svelte.ts";
import { LiveHistory } from "../src/history/live-history.svelte.ts";
import type { Zone } from "../src/ui/format.ts";
import { Peer } from "./gateway-peer.ts";

// A filter is written into the address, which Node has none of.
Object.assign(globalThis, { location: { pathname: "/", search: "" }, history: { replaceState: () => {} } });

const watch = async (stream: { readonly over: Promise<unknown> } | undefined) => void (await stream?.over);

/** A page's history in front of a peer whose history has some lines. */
export function openScene(lines = 0, preferences: { zone: Zone } = { zone: "utc" }) {
  const peer = new Peer();
  for (let n = 1; n <= lines; n++) peer.append(`otter ${n}`);
  const operations = new Operations();
  const streams = new Streams(peer.connection, (header) => (operations.list = header.operations));
  peer.serve(streams);
  const history = new LiveHistory(streams, operations, watch, preferences);
  history.reader.user = "brick";
  return { peer, streams, operations, history, search: history.view, ...history };
}

export type Scene = ReturnType<typeof openScene>;

export async function untilState({ history }: Scene, state: string): Promise<void> {
  await expect.poll(() => history.state, { interval: 1 }).toBe(state);
}

/** A scene that is live. */
export async function openLiveScene(lines: number): Promise<Scene> {
  const scene = openScene(lines);
  void scene.history.start();
  await untilState(scene, "live");
  await expectInStep(scene);
  return scene;
}

/** Waits until the page has the history's newest line, and checks every line that it holds. */
export async function expectInStep({ peer, cache }: Scene): Promise<void> {
  await expect.poll(() => cache.at(peer.lines.length), { interval: 1 }).toBe(peer.lines.at(-1));
  expect(cache.last).toBe(peer.lines.length);
  peer.lines.forEach((line, index) => expect(cache.at(index + 1) ?? line).toBe(line));
}

/** All lines, those that are not held as `undefined`. */
export function contentsOf(cache: LineCache): readonly (string | undefined)[] {
  return Array.from({ length: cache.last }, (_, index) => cache.at(index + 1));
}

/** Somebody deletes a line. */
export function deleteLine(cache: LineCache, line: number, time: string): void {
  const result = { verb: "deleted-line", line, head: timestampOf(cache.at(line) ?? "") } as const;
  expect(cache.apply(encodeResultEntry(time, "127.0.0.1", "otter", result))).toBe(true);
}
