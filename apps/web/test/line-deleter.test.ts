import { describe, expect, test } from "vitest";
import { LineDeleter } from "../src/history/replica/line-deleter.svelte.ts";
import { expectInStep, openLiveScene } from "./app-fixture.ts";

async function open(lines: number) {
  const scene = await openLiveScene(lines);
  const deleter = new LineDeleter(scene.streams, scene.operations, scene.history, async (stream) => {
    await stream?.over;
  });
  return { ...scene, deleter };
}

describe("deleting from a row", () => {
  test("deletes the line that was seen", async () => {
    const scene = await open(20);
    const [line = ""] = scene.peer.lines.slice(4);
    await scene.deleter.delete("brick", 5, line);
    await expectInStep(scene);
    expect(scene.peer.lines).not.toContain(line);
    expect(scene.deleter.problem).toBeUndefined();
  });

  test("follows a line that has moved up in the same moment", async () => {
    const scene = await open(20);
    const [line = ""] = scene.peer.lines.slice(9);
    let deletes = 1;
    scene.peer.beforeAnswer = ({ operation }) => {
      if (operation === 1 && deletes-- > 0) scene.peer.delete(2);
    };
    await scene.deleter.delete("brick", 10, line);
    await expectInStep(scene);
    expect(scene.peer.lines).not.toContain(line);
    expect(scene.deleter.problem).toBeUndefined();
    expect(scene.peer.asked.filter((message) => message.startsWith("brick 1 "))).toHaveLength(2);
  });

  test("says who was faster, and deletes no other line", async () => {
    const scene = await open(20);
    const [line = ""] = scene.peer.lines.slice(9);
    scene.peer.beforeAnswer = ({ operation }) => operation === 1 && scene.peer.delete(10);
    await scene.deleter.delete("brick", 10, line);
    await expectInStep(scene);
    expect(scene.deleter.problem?.result).toBe("You deleted nothing.");
    expect(scene.deleter.problem?.why).toMatch(/^otter was faster and deleted this line at \d\d:\d\d:\d\d UTC\.$/);
    expect(scene.peer.lines.filter((each) => each.includes("otter deleted line"))).toHaveLength(1);
  });

  test("says that somebody deleted all in the same moment", async () => {
    const scene = await open(20);
    const [line = ""] = scene.peer.lines.slice(9);
    scene.peer.beforeAnswer = ({ operation }) => operation === 1 && scene.peer.deleteAll();
    await scene.deleter.delete("brick", 10, line);
    expect(scene.deleter.problem?.why).toMatch(/^otter was faster and deleted all lines at/);
  });

  test("deletes all", async () => {
    const scene = await open(20);
    await scene.deleter.deleteAll("brick");
    await expectInStep(scene);
    expect([scene.peer.lines.length, scene.deleter.problem]).toEqual([1, undefined]);
  });
});
