import { describe, expect, test } from "vitest";
import { PageLoader } from "../src/history/replica/page-loader.svelte.ts";
import { historyPageLines } from "../src/limits.ts";
import { expectInStep, openLiveScene } from "./app-fixture.ts";

async function open(lines: number) {
  const scene = await openLiveScene(lines);
  const loader = new PageLoader(scene.streams, scene.history, () => scene.follower.state === "live");
  return { ...scene, loader };
}

const reads = (asked: readonly string[]) => asked.filter((message) => message.startsWith("brick 2 ")).slice(1);

describe("the page loader", () => {
  test("reads the lines that are looked at, a page around them", async () => {
    const scene = await open(10 * historyPageLines);
    scene.loader.want(5000, 5020);
    await expect.poll(() => scene.history.current.at(5020)).toBeDefined();
    await expectInStep(scene);
    expect(reads(scene.peer.asked)).toEqual(["brick 2 4500 5499 snapshot"]);
  });

  test("reads only where the scrolling has come to rest", async () => {
    const scene = await open(10 * historyPageLines);
    for (const from of [1000, 3000, 5000, 7000]) scene.loader.want(from, from + 20);
    await expect.poll(() => scene.history.current.at(7000)).toBeDefined();
    expect(reads(scene.peer.asked)).toEqual(["brick 2 6500 7499 snapshot"]);
  });

  test("puts lines where they belong although lines before them are deleted while they travel", async () => {
    const scene = await open(10 * historyPageLines);
    scene.peer.beforeAnswer = ({ operation }) => operation === 2 && scene.peer.delete(3);
    scene.peer.afterAnswer = ({ operation }) => operation === 2 && scene.peer.delete(4000);
    scene.loader.want(5000, 5020);
    await expect.poll(() => scene.history.current.at(5020)).toBeDefined();
    await expectInStep(scene);
    expect(reads(scene.peer.asked)).toEqual(["brick 2 4500 5499 snapshot"]);
  });

  test("places lines right when the follow is behind the answer", async () => {
    const scene = await open(10 * historyPageLines);
    scene.peer.holdFollow();
    scene.loader.want(5000, 5020);
    await expect.poll(() => reads(scene.peer.asked)).toHaveLength(1);
    scene.peer.delete(3);
    await scene.peer.answered;
    scene.peer.delete(4000);
    scene.peer.releaseFollow();
    await expect.poll(() => scene.history.current.at(5020)).toBeDefined();
    await expectInStep(scene);
  });

  test("says in a sentence that lines cannot be read, and tries again when asked to", async () => {
    const scene = await open(10 * historyPageLines);
    scene.peer.replyOf = ({ operation }) => (operation === 2 ? "Error: the disk fails\n" : undefined);
    scene.loader.want(5000, 5020);
    await expect.poll(() => scene.loader.error).toBe("These lines could not be read.");
    expect(reads(scene.peer.asked)).toHaveLength(1);
    scene.peer.replyOf = undefined;
    scene.loader.retry();
    await expect.poll(() => scene.history.current.at(5000)).toBeDefined();
    await expectInStep(scene);
    expect(scene.loader.error).toBe("");
  });

  test("does not believe lines without their version", async () => {
    const scene = await open(10 * historyPageLines);
    scene.peer.offersSnapshot = false;
    scene.loader.want(5000, 5020);
    await expect.poll(() => scene.loader.error).not.toBe("");
    expect(scene.history.current.at(5000)).toBeUndefined();
  });
});
