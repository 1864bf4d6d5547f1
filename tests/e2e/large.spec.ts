import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

const historyBytes = 10_000_000;

const line = (index: number): string => `line ${index} of a history that somebody kept by hand\n`;

async function digest(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { end: bytes - 1 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

test("a history of 10 MB arrives whole", async ({ page }, testInfo) => {
  const historyPath = testInfo.outputPath("history.txt");
  let text = "";
  for (let index = 1; text.length < historyBytes; index++) text += line(index);
  await writeFile(historyPath, text);
  await using server = await startServer({ historyPath });
  await using gateway = await startGateway({ server: server.address });

  const wirebook = await Wirebook.open(page, gateway);
  await wirebook.send(2);
  const card = wirebook.card("brick 2");
  await expect(card).toContainText("done");

  const downloading = page.waitForEvent("download");
  await card.getByRole("button", { name: "More", exact: true }).click();
  await card.getByRole("menuitem", { name: "Save reply", exact: true }).click();
  const saved = testInfo.outputPath("saved.txt");
  await (await downloading).saveAs(saved);
  // The page's own requests may have added lines since; the response is the file as it was.
  const { size } = await stat(saved);
  expect(size).toBeGreaterThan(text.length);
  expect(await digest(saved, size)).toBe(await digest(historyPath, size));
});
