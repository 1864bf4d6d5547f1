import { readFile } from "node:fs/promises";
import { clientPath } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
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

test("the line that was chosen is deleted, though the list moves on", async ({ wirebook, server, page }) => {
  await expect(wirebook.follow).toHaveText("live");
  await sendMany(wirebook, server);
  await wirebook.rows(/otter 2 -55\b/).click();
  const detail = wirebook.history.getByRole("complementary", { name: "The whole line" });
  await expect(detail).toContainText("otter 2 -55");
  await detail.getByRole("button", { name: "Delete…" }).click();
  await runClient(server, "heron", "1", "3");
  await runClient(server, "heron", "2", "-1");
  await expect(wirebook.rows("deleted line 3")).toHaveCount(1);

  const before = await linesOf(server);
  const seen = before.findIndex((line) => line.includes('"otter 2 -55"'));
  const time = before[seen]?.split(" ", 1)[0];
  const question = page.getByRole("dialog", { name: "Delete line" });
  await expect(question).toContainText("otter 2 -55");
  await question.getByRole("button", { name: "Delete line" }).click();
  await expect(wirebook.rows(`brick deleted line ${seen + 1}`)).toHaveCount(1);
  const after = await linesOf(server);
  expect(after.slice(0, before.length - 1)).toEqual(before.toSpliced(seen, 1));
  expect(after.at(-2)).toContain(`"brick 1 ${seen + 1} ${time}"`);
});

test("a line that somebody else deletes while it is asked about takes no other with it", async ({
  wirebook,
  server,
  page,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  await sendMany(wirebook, server);
  const seen = (await linesOf(server)).findIndex((line) => line.includes('"otter 2 -55"'));
  await wirebook.rows(/otter 2 -55\b/).click();
  await wirebook.history.getByRole("button", { name: "Delete…" }).click();
  await runClient(server, "heron", "1", String(seen + 1));
  await expect(wirebook.rows("deleted line")).toHaveCount(1);
  await page.getByRole("dialog", { name: "Delete line" }).getByRole("button", { name: "Delete line" }).click();
  await expect(wirebook.history.getByRole("complementary", { name: "The whole line" })).toHaveCount(0);
  await expect(wirebook.rows(/otter 2 -56\b/)).toHaveCount(1);
  await runClient(server, "heron", "2", "-1");
  await expect(wirebook.rows("heron 2 -1")).toHaveCount(1);
  expect((await linesOf(server)).filter((line) => line.includes("brick 1"))).toEqual([]);
});
