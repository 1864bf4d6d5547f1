import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { clientPath } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
import { startBareChromium } from "./bare-chromium.ts";
import { expect, runClient, test, watch, Wirebook } from "./wirebook.ts";

const linesWhileHidden = 200;
const clients = 4;

/** Frames that the page asked the browser for, and those that it was given. */
interface Frames {
  asked: number;
  given: number;
}

/** Counts frames from before the page's first script on. */
async function countFrames(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const frames: Frames = { asked: 0, given: 0 };
    const ask = globalThis.requestAnimationFrame.bind(globalThis);
    globalThis.requestAnimationFrame = (draw) => {
      frames.asked += 1;
      return ask((time) => {
        frames.given += 1;
        draw(time);
      });
    };
    Object.assign(globalThis, { frames });
  });
}

/** How a page is seen: whether at all, frames given so far and still asked for, and the size of its document. */
function look(page: Page): Promise<{ state: DocumentVisibilityState; given: number; waiting: number; nodes: number }> {
  return page.evaluate(() => {
    const { frames } = globalThis as unknown as { frames: Frames };
    return {
      state: document.visibilityState,
      given: frames.given,
      waiting: frames.asked - frames.given,
      nodes: document.querySelectorAll("*").length,
    };
  });
}

/** Sends messages from several clients at once. */
async function sendMany(port: number, messages: number): Promise<void> {
  const send = (user: string) => {
    const lines = Array.from({ length: messages / clients }, (_, n) => `${user} 2 -1 -${n + 1}\n`);
    return run(process.execPath, [clientPath, "--port", String(port)], lines.join(""));
  };
  await Promise.all(Array.from({ length: clients }, (_, n) => send(`heron-${n}`)));
}

test("a hidden tab loses nothing, also while the gateway is away", async ({ server, gateway }) => {
  await using chromium = await startBareChromium();
  const page = await chromium.context.newPage();
  const problems = watch(page);
  await countFrames(page);
  let came = 0;
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => (came += payload.toString().match(/"heron-/g)?.length ?? 0));
  });
  const wirebook = await Wirebook.open(page, gateway);
  await expect(wirebook.follow).toHaveText("live");
  await runClient(server, "before");
  await expect(wirebook.rows("before")).toHaveCount(1);

  await (await chromium.context.newPage()).bringToFront();
  await expect.poll(() => look(page)).toMatchObject({ state: "hidden" });
  const hidden = await look(page);

  await test.step("lines come while it is hidden: it draws none of them", async () => {
    await sendMany(server.port, linesWhileHidden);
    // A line may be cut between two frames, and is not counted then.
    await expect.poll(() => came).toBeGreaterThan(linesWhileHidden / 2);
    await expect.poll(async () => (await look(page)).waiting).toBeGreaterThan(0);
    const { waiting, ...rest } = await look(page);
    expect(rest).toEqual({ state: "hidden", given: hidden.given, nodes: hidden.nodes });
    expect(waiting).toBeLessThan(10);
  });

  await test.step("the gateway goes, lines come, and it is back", async () => {
    await gateway.kill("SIGKILL");
    await expect(page.getByRole("region", { name: "Reconnecting" })).toBeVisible();
    for (let n = 1; n <= 3; n++) await runClient(server, "otter", "2", String(-n));
    await gateway.restart();
    await expect(wirebook.follow).toHaveText("live");
    await runClient(server, "vole");
    expect(await look(page)).toMatchObject({ state: "hidden", given: hidden.given });
  });

  await test.step("it is shown again: all lines stand there, once, and it goes on", async () => {
    await page.bringToFront();
    await expect.poll(() => look(page)).toMatchObject({ state: "visible" });
    await expect(wirebook.rows("vole")).toHaveCount(1);
    await runClient(server, "mole");
    await expect(wirebook.rows("mole")).toHaveCount(1);

    const lines = (await readFile(server.historyPath, "utf8")).trimEnd().split("\n");
    const rows = await wirebook.readRows();
    expect(rows.size).toBe(lines.length);
    lines.forEach((line, index) => expect(rows.get(index + 1)).toContain(line.slice(11, 23)));
  });
  expect(problems).toEqual([]);
});
