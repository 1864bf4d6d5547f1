import { describe, expect, test, vi } from "vitest";
import { authenticationError } from "@wirebook/protocol";
import { Operations } from "../src/composer/operations.svelte.ts";
import { Exchanges } from "../src/exchange/exchanges.svelte.ts";
import { Follower } from "../src/history/follower.svelte.ts";
import { History } from "../src/history/history.svelte.ts";
import { historyPageLines } from "../src/limits.ts";
import { Peer } from "./peer.ts";

function open(lines = 0) {
  const peer = new Peer();
  for (let n = 1; n <= lines; n++) peer.append(`otter ${n}`);
  const operations = new Operations();
  const exchanges = new Exchanges(peer.connection, (beginning) => (operations.list = beginning.operations));
  peer.serve(exchanges);
  const history = new History();
  const follower = new Follower(exchanges, operations, history);
  follower.user = "brick";
  return { peer, exchanges, history, follower };
}

type Scene = ReturnType<typeof open>;

const untilState = ({ follower }: Scene, state: string) =>
  vi.waitUntil(() => follower.state === state, { interval: 1 });

/** Waits until the copy is the history, and checks that it is so at every position. */
async function expectInStep({ peer, history }: Scene): Promise<void> {
  await vi.waitFor(() => expect(history.copy.next).toBe(peer.lines.length + 1), { interval: 1 });
  expect(history.copy.lines).toEqual(peer.lines.slice(history.copy.first - 1));
}

describe("the follower", () => {
  test("learns what the server can do, follows, and shows the lines before", async () => {
    const scene = open(3);
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect(scene.history.copy.first).toBe(1);
    expect(scene.peer.asked).toEqual(["brick", "brick 5", "brick 2 1 6"]);
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
    expect(scene.history.copy.lines).toHaveLength(8);
  });

  test("fits together although lines are deleted while it reads", async () => {
    const scene = open(20);
    let deletes = 3;
    scene.peer.beforeAnswer = ({ operation }) => {
      if (operation === 2 && deletes-- > 0) scene.peer.delete(4);
    };
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect(scene.history.copy.first).toBe(1);
  });

  test("shows a page of a long history, and earlier pages when asked", async () => {
    const scene = open(2 * historyPageLines + 10);
    void scene.follower.start();
    await untilState(scene, "live");
    expect(scene.history.copy.first).toBe(2 * historyPageLines + 13 - historyPageLines);
    await scene.follower.loadEarlier();
    await scene.follower.loadEarlier();
    expect(scene.history.copy.first).toBe(1);
    await expectInStep(scene);
  });

  test("goes on after a reconnect with nothing lost and nothing doubled", async () => {
    const scene = open(3 * historyPageLines);
    void scene.follower.start();
    await untilState(scene, "live");
    await scene.follower.loadEarlier();
    const before = scene.history.copy.first;
    scene.peer.cut();
    scene.follower.lose();
    scene.peer.append("otter meanwhile");
    scene.peer.mend();
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
    expect(scene.history.copy.first).toBe(before);
  });

  test("lets go of older lines after a reconnect when lines before were deleted meanwhile", async () => {
    const scene = open(3 * historyPageLines);
    void scene.follower.start();
    await untilState(scene, "live");
    await scene.follower.loadEarlier();
    scene.peer.cut();
    scene.follower.lose();
    scene.peer.delete(1);
    scene.peer.mend();
    void scene.follower.start();
    await untilState(scene, "live");
    await expectInStep(scene);
  });

  test("fetches the history of a server that cannot be followed", async () => {
    const scene = open(3);
    scene.peer.offersFollow = false;
    void scene.follower.start();
    await untilState(scene, "unfollowable");
    await vi.waitFor(() => expect(scene.history.copy.lines).toEqual(scene.peer.lines));
    expect(scene.peer.asked).toEqual(["brick", "brick 2"]);
  });

  test("says that the server does not want the user", async () => {
    const scene = open();
    scene.peer.replyOf = () => authenticationError;
    void scene.follower.start();
    await untilState(scene, "refused");
    expect(scene.follower.words).toBe("The server refused brick: Authentication error.");
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
