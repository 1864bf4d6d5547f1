import { describe, expect, test } from "vitest";
import { expectInStep, openLiveScene } from "./app-fixture.ts";

describe("deleting a line", () => {
  test("deletes the one that was seen", async () => {
    const scene = await openLiveScene(20);
    const [line = ""] = scene.peer.lines.slice(4);
    await scene.history.delete("brick", 5, line);
    await expectInStep(scene);
    expect(scene.peer.lines).not.toContain(line);
  });

  test.each([2, 10])("deletes no other when line %i goes in the same moment", async (gone) => {
    const scene = await openLiveScene(20);
    const [line = ""] = scene.peer.lines.slice(9);
    scene.peer.beforeAnswer = ({ operation }) => operation === 1 && scene.peer.delete(gone);
    await scene.history.delete("brick", 10, line);
    await expectInStep(scene);
    expect(scene.peer.lines.filter((each) => each.includes("otter deleted line"))).toHaveLength(1);
    expect(scene.peer.lines.filter((each) => each.includes("brick deleted line"))).toEqual([]);
  });
});
