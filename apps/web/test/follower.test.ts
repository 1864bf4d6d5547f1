import { describe, expect, test } from "vitest";
import { authenticationError } from "@wirebook/protocol";
import { historyPageLines } from "../src/limits.ts";
import { expectInStep, openScene as open, untilState } from "./app-fixture.ts";
import type { Scene } from "./app-fixture.ts";

/** The first line of those that are held up to the newest. */
function heldFrom({ cache }: Scene): number {
  let first = cache.last + 1;
  while (cache.at(first - 1) !== undefined) first -= 1;
  return first;
}

/** Follows, and then loses the gateway. */
async function lose(scene: Scene): Promise<void> {
  void scene.history.start();
  await untilState(scene, "live");
  await expectInStep(scene);
  scene.peer.cut();
  scene.history.lose();
}

async function comeBack(scene: Scene): Promise<void> {
  scene.peer.mend();
  void scene.history.start();
  await untilState(scene, "live");
}

describe("following", () => {
  test("learns what the server can do, follows, and shows the lines before", async () => {
    const scene = open(3);
    void scene.history.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect(heldFrom(scene)).toBe(1);
    expect(scene.peer.asked).toEqual(["brick", "brick 5", "brick 2 1 5 snapshot"]);
  });

  test("shows lines as they come and deletes what was deleted", async () => {
    const scene = open(3);
    void scene.history.start();
    await untilState(scene, "live");
    scene.peer.append("otter says");
    scene.peer.delete(2);
    await expectInStep(scene);
  });

  test("does not delete again what an old outcome tells of", async () => {
    const scene = open(5);
    scene.peer.delete(3);
    void scene.history.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect([scene.cache.last, heldFrom(scene)]).toEqual([8, 1]);
  });

  test("fits together although lines are deleted while it reads", async () => {
    const scene = open(20);
    scene.peer.beforeAnswer = ({ operation }) => operation === 2 && scene.peer.delete(4);
    scene.peer.afterAnswer = ({ operation }) => operation === 2 && scene.peer.delete(7);
    void scene.history.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect(heldFrom(scene)).toBe(1);
  });

  test("holds a page of a long history", async () => {
    const scene = open(2 * historyPageLines);
    void scene.history.start();
    await untilState(scene, "live");
    expect(heldFrom(scene)).toBe(historyPageLines + 3);
    await expectInStep(scene);
  });

  test("reads anew after a reconnect, with nothing lost and nothing doubled", async () => {
    const scene = open(3 * historyPageLines);
    await lose(scene);
    for (const n of [1, 2, 3]) scene.peer.append(`otter meanwhile ${n}`);
    for (const position of [1, 2 * historyPageLines + 500, 7]) scene.peer.delete(position);
    await comeBack(scene);
    await expectInStep(scene);
  });

  test("begins anew when all lines were deleted while it was away", async () => {
    const scene = open(3 * historyPageLines);
    await lose(scene);
    scene.peer.deleteAll();
    scene.peer.append("otter meanwhile");
    await comeBack(scene);
    await expectInStep(scene);
    expect(heldFrom(scene)).toBe(1);
  });

  test.each(["offersFollow", "offersSnapshot"] as const)("shows no history of a server without %s", async (what) => {
    const scene = open(3);
    scene.peer[what] = false;
    void scene.history.start();
    await untilState(scene, "none");
    expect(scene.peer.asked).toEqual(["brick"]);
  });

  test("says that the server does not want the user", async () => {
    const scene = open();
    scene.peer.replyOf = () => authenticationError;
    void scene.history.start();
    await untilState(scene, "failed");
    expect(scene.history.error).toBe("The server refused brick: Authentication error.");
    expect(scene.history.retry.isWaiting).toBe(false);
  });

  test("tries again when the server ends the follow", async () => {
    const scene = open(2);
    scene.peer.replyOf = ({ operation }) => (operation === 5 ? "" : undefined);
    void scene.history.start();
    await untilState(scene, "failed");
    scene.peer.replyOf = undefined;
    scene.history.retry.finish();
    await untilState(scene, "live");
    await expectInStep(scene);
  });
});
