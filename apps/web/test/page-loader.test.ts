import { describe, expect, test } from "vitest";
import { PageLoader } from "../src/history/replica/page-loader.svelte.ts";
import { historyPageLines, pageAttemptsMax } from "../src/limits.ts";
import { expectInStep, openLiveScene } from "./app-fixture.ts";

async function open(lines: number) {
  const scene = await openLiveScene(lines);
  const loader = new PageLoader(scene.exchanges, scene.history, () => scene.follower.state === "live");
  loader.user = "brick";
  return { ...scene, loader };
}

const reads = (asked: readonly string[]) => asked.filter((message) => message.startsWith("brick 2 ")).slice(1);

describe("the page loader", () => {
  test("reads the lines that are looked at, a page around them", async () => {
    const scene = await open(10 * historyPageLines);
    scene.loader.want(5000, 5020);
    await expect.poll(() => scene.history.current.at(5020)).toBeDefined();
    await expectInStep(scene);
    expect(reads(scene.peer.asked)).toEqual(["brick 2 4500 5499"]);
  });

  test("reads only where the scrolling has come to rest", async () => {
    const scene = await open(10 * historyPageLines);
    for (const from of [1000, 3000, 5000, 7000]) scene.loader.want(from, from + 20);
    await expect.poll(() => scene.history.current.at(7000)).toBeDefined();
    expect(reads(scene.peer.asked)).toEqual(["brick 2 6500 7499"]);
  });

  test("puts lines where they belong although lines before them are deleted while they travel", async () => {
    const scene = await open(10 * historyPageLines);
    let deletes = 2;
    scene.peer.beforeAnswer = ({ operation }) => {
      if (operation === 2 && deletes-- > 0) scene.peer.delete(3);
    };
    scene.loader.want(5000, 5020);
    await expect.poll(() => scene.history.current.at(5020)).toBeDefined();
    await expectInStep(scene);
  });

  test("gives up with a sentence when lines are deleted faster than they are read, and tries again when asked to", async () => {
    const scene = await open(10 * historyPageLines);
    scene.peer.beforeAnswer = ({ operation }) => operation === 2 && scene.peer.delete(3);
    scene.loader.want(5000, 5020);
    await expect.poll(() => scene.loader.words).not.toBe("");
    expect(reads(scene.peer.asked)).toHaveLength(pageAttemptsMax);
    scene.peer.beforeAnswer = () => {};
    scene.loader.retry();
    await expect.poll(() => scene.history.current.at(5000)).toBeDefined();
    await expectInStep(scene);
    expect(scene.loader.words).toBe("");
  });
});
