import { describe, expect, test } from "vitest";
import { authenticationError } from "@wirebook/protocol";
import { historyPageLines } from "../src/limits.ts";
import { expectInStep, openScene as open, untilState } from "./app-fixture.ts";
import type { Scene } from "./app-fixture.ts";

/** The first line of those that are held up to the newest. */
const heldFrom = ({ history }: Scene) => history.current.tailFirst;

/** Follows, and then loses the gateway. */
async function lose(scene: Scene): Promise<void> {
  void scene.follower.start();
  await untilState(scene, "live");
  await expectInStep(scene);
  scene.peer.cut();
  scene.follower.lose();
}

async function comeBack(scene: Scene): Promise<void> {
  scene.peer.mend();
  void scene.follower.start();
  await untilState(scene, "live");
}

describe("the follower", () => {
  test("learns what the server can do, follows, and shows the lines before", async () => {
    const scene = open(3);
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect(heldFrom(scene)).toBe(1);
    expect(scene.peer.asked).toEqual(["brick", "brick 5", "brick 2 1 5 snapshot"]);
  });

  test("shows lines as they come and deletes what was deleted", async () => {
    const scene = open(3);
    void scene.follower.start();
    await untilState(scene, "live");
    scene.peer.append("otter says");
    scene.peer.delete(2);
    await expectInStep(scene);
  });

  test("does not delete again what an old outcome tells of", async () => {
    const scene = open(5);
    scene.peer.delete(3);
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect([scene.history.current.last, heldFrom(scene)]).toEqual([8, 1]);
  });

  test("fits together although lines are deleted while it reads, and reads once", async () => {
    const scene = open(20);
    scene.peer.beforeAnswer = ({ operation }) => operation === 2 && scene.peer.delete(4);
    scene.peer.afterAnswer = ({ operation }) => operation === 2 && scene.peer.delete(7);
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect(heldFrom(scene)).toBe(1);
    expect(scene.peer.asked.filter((message) => message.startsWith("brick 2"))).toHaveLength(1);
  });

  test("holds a page of a long history", async () => {
    const scene = open(2 * historyPageLines);
    void scene.follower.start();
    await untilState(scene, "live");
    expect(heldFrom(scene)).toBe(historyPageLines + 3);
    await expectInStep(scene);
  });

  test("goes on after a reconnect with nothing lost and nothing doubled, and marks what was missed", async () => {
    const scene = open(3 * historyPageLines);
    await lose(scene);
    for (const n of [1, 2, 3]) scene.peer.append(`otter meanwhile ${n}`);
    const missed = scene.peer.lines.length - 2;
    await comeBack(scene);
    await expectInStep(scene);
    expect(heldFrom(scene)).toBeLessThan(missed - historyPageLines / 2);
    expect(scene.history.gapAt(missed)?.lines).toBe(3);
  });

  test("keeps what it holds when lines before were deleted while it was away", async () => {
    const scene = open(3 * historyPageLines);
    await lose(scene);
    const before = scene.history.current.held;
    scene.peer.append("otter meanwhile");
    for (const position of [1, 2 * historyPageLines + 500, 7]) scene.peer.delete(position);
    await comeBack(scene);
    await expectInStep(scene);
    expect(scene.history.current.held).toBeGreaterThanOrEqual(before);
  });

  test("lets go of what it held when the server cannot say what was deleted while it was away", async () => {
    const scene = open(3 * historyPageLines);
    await lose(scene);
    scene.peer.delete(2 * historyPageLines + 500);
    scene.peer.delete(scene.peer.lines.length);
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

  test("finds its way after more lines came than a page holds", async () => {
    const scene = open(historyPageLines);
    await lose(scene);
    for (let n = 0; n < 5 * historyPageLines; n++) scene.peer.append(`otter ${n}`);
    await comeBack(scene);
    await expectInStep(scene);
    expect(scene.history.gapAt(historyPageLines + 4)?.lines).toBe(5 * historyPageLines);
  });

  test("fetches the history of a server that cannot be followed", async () => {
    const scene = open(3);
    scene.peer.offersFollow = false;
    void scene.follower.start();
    await untilState(scene, "unfollowable");
    await expectInStep(scene);
    expect(scene.peer.asked).toEqual(["brick", "brick 2"]);
  });

  test("fetches the history of a server that does not name versions, and shows no line in a wrong place", async () => {
    const scene = open(3);
    scene.peer.offersSnapshot = false;
    void scene.follower.start();
    await untilState(scene, "unfollowable");
    await expectInStep(scene);
    expect(scene.peer.asked).toEqual(["brick", "brick 2"]);
    scene.peer.delete(2);
    await scene.follower.fetch();
    await expectInStep(scene);
  });

  test("says that the server does not want the user", async () => {
    const scene = open();
    scene.peer.replyOf = () => authenticationError;
    void scene.follower.start();
    await untilState(scene, "refused");
    expect(scene.follower.error).toBe("The server refused brick: Authentication error.");
  });

  test("tries again when the server ends the follow", async () => {
    const scene = open(2);
    scene.peer.replyOf = ({ operation }) => (operation === 5 ? "" : undefined);
    void scene.follower.start();
    await untilState(scene, "waiting");
    scene.peer.replyOf = undefined;
    scene.follower.countdown.finish();
    await untilState(scene, "live");
    await expectInStep(scene);
  });

  test("stops when asked to and begins again when asked to", async () => {
    const scene = open(2);
    void scene.follower.start();
    await untilState(scene, "live");
    scene.follower.stop();
    scene.peer.append("otter unseen");
    expect(scene.follower.state).toBe("stopped");
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
  });
});
