import { readFile } from "node:fs/promises";
import type { Locator } from "@playwright/test";
import { clientPath } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
import { expectClean } from "./clean.ts";
import { expect, runClient, test } from "./wirebook.ts";
import type { Wirebook } from "./wirebook.ts";

/** Sends more lines than a window shows, and waits until the list has come to rest. */
async function sendMany(wirebook: Wirebook, server: ServerProgram): Promise<void> {
  const messages = Array.from({ length: 60 }, (_, n) => `otter 2 -${n + 1}\n`);
  await run(process.execPath, [clientPath, "--port", String(server.port)], messages.join(""));
  await expect(wirebook.rows(/otter 2 -60\b/)).toHaveCount(1);
}

async function linesOf(server: ServerProgram): Promise<string[]> {
  return (await readFile(server.historyPath, "utf8")).trimEnd().split("\n");
}

/** Presses the button that deletes a row, without letting it go. */
async function pressDelete(row: Locator): Promise<void> {
  await row.getByRole("button", { name: /^Delete line/ }).hover();
  await row.page().mouse.down();
}

test("the line that was seen when the button was pressed is deleted, though the list moves on", async ({
  wirebook,
  server,
  page,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  await sendMany(wirebook, server);
  await pressDelete(wirebook.rows(/otter 2 -55\b/));
  await runClient(server, "heron", "2", "-1");
  await runClient(server, "heron", "2", "-2");
  await expect(wirebook.history.getByText("65 lines")).toBeVisible();
  await page.mouse.up();

  const before = await linesOf(server);
  const seen = before.findIndex((line) => line.includes('"otter 2 -55"'));
  const time = before[seen]?.split(" ", 1)[0];
  await expect(wirebook.rows(`Delete line ${seen + 1}?`)).toContainText("otter 2 -55");
  await page.keyboard.press("Enter");
  await expect(wirebook.rows(`brick deleted line ${seen + 1}`)).toHaveCount(1);
  const after = await linesOf(server);
  expect(after.slice(0, before.length - 1)).toEqual(before.toSpliced(seen, 1));
  expect(after.at(-2)).toContain(`"brick 1 ${seen + 1} ${time}"`);
});

test("a line that somebody else deletes while its button is pressed takes no other with it", async ({
  wirebook,
  server,
  page,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  await sendMany(wirebook, server);
  const seen = (await linesOf(server)).findIndex((line) => line.includes('"otter 2 -55"'));
  await pressDelete(wirebook.rows(/otter 2 -55\b/));
  await runClient(server, "heron", "1", String(seen + 1));
  await expect(wirebook.rows(/otter 2 -55\b/)).toHaveCount(0);
  await page.mouse.up();
  await expect(wirebook.rows(/otter 2 -56\b/)).toHaveCount(1);
  await expect(wirebook.history.getByRole("button", { name: "Cancel" })).toHaveCount(0);

  // A click on the line that stands there now means that one.
  await page.mouse.down();
  await page.mouse.up();
  await expect(wirebook.rows(`Delete line ${seen + 1}?`)).toContainText("otter 2 -56");
});

test("somebody who was faster is named, and all is deleted only when that is meant", async ({
  wirebook,
  server,
  page,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  await runClient(server, "otter", "2", "-1");
  await runClient(server, "heron", "2", "-1");
  await expect(wirebook.rows("heron 2 -1")).toHaveCount(1);
  // A page that does not follow does not see that the line is gone.
  await wirebook.chooseInHistory("Stop following");
  const lines = (await readFile(server.historyPath, "utf8")).split("\n");
  await runClient(server, "heron", "1", String(lines.findIndex((line) => line.includes("otter 2 -1")) + 1));
  await wirebook.rows("otter 2 -1").click();
  await wirebook.grid.focus();
  await page.keyboard.press("Delete");
  await page.keyboard.press("Enter");
  await expect(wirebook.history.getByRole("alert")).toContainText("Nothing was deleted.");
  expect(await readFile(server.historyPath, "utf8")).toContain('"heron 2 -1"');
  await expectClean(page, "#history");

  await wirebook.history.getByRole("button", { name: "Follow" }).click();
  await expect(wirebook.follow).toHaveText("live");
  await wirebook.chooseInHistory("Delete all lines…");
  await expect(wirebook.history.getByRole("button", { name: "Delete all lines" })).toBeFocused();
  await expectClean(page, "#history");
  await page.keyboard.press("Escape");
  await expect(wirebook.grid).toBeFocused();
  await wirebook.chooseInHistory("Delete all lines…");
  await page.keyboard.press("Enter");
  await expect(wirebook.grid).toHaveAttribute("aria-rowcount", "1");
  await expect(wirebook.rows("brick deleted all")).toHaveCount(1);
});
