import { readFile } from "node:fs/promises";
import { expect, runClient, test, Wirebook } from "./wirebook.ts";

test("a request from the page and one from the client are seen by both", async ({ wirebook, server }) => {
  await wirebook.send(2, { FROM: "-7" });
  await expect(wirebook.card("brick 2 -7")).toContainText("done");
  await expect(wirebook.rows("brick 2 -7")).toHaveCount(1);

  const { code, stdout } = await runClient(server, "otter", "2", "-9");
  expect(code).toBe(0);
  expect(stdout).toContain('"brick 2 -7"');
  expect(stdout).toContain('"otter 2 -9"');
  await expect(wirebook.rows("otter 2 -9")).toHaveCount(1);

  await wirebook.page.reload();
  await expect(wirebook.follow).toHaveText("live");
  await expect(wirebook.rows("otter 2 -9")).toHaveCount(1);
  expect(await readFile(server.historyPath, "utf8")).toContain('"otter 2 -9"\n');
});

test("the composer offers what the server announced and shows the exact bytes", async ({ wirebook, page }) => {
  const operation = page.getByRole("combobox", { name: "Operation" });
  await expect(operation.getByRole("option")).toHaveText([
    "none: list operations",
    "1: delete line N",
    "2: read the history",
    "3: delete all",
    "4: create a user",
    "5: follow the history",
    "6: read the status",
  ]);
  await operation.selectOption("2");
  await page.getByLabel("FROM", { exact: true }).fill("-10");
  const composer = page.getByRole("form", { name: "Composer" });
  await expect(composer).toContainText("brick 2 -10, then a line feed");
  await expect(composer).toContainText("12 bytes");

  await page.getByLabel("FROM", { exact: true }).fill("0");
  await expect(page.getByRole("status", { name: "Refusal" })).toHaveText(
    "FROM is 0, and the first line is 1; type a number from 1.",
  );
  await page.getByRole("button", { name: "Send anyway" }).click();
  await expect(wirebook.card("brick 2 0")).toContainText("Error: FROM is 0, and the first line is 1");
});

test("each operation is sent from the page", async ({ wirebook, page, server }) => {
  await wirebook.send(undefined);
  await expect(wirebook.card("brick")).toContainText("done");
  await wirebook.card("brick").getByText("link and 6 operations").click();
  await expect(wirebook.card("brick")).toContainText("start the server with --link URL");

  await wirebook.send(1, { N: "1" });
  await expect(wirebook.card("brick 1 1")).toContainText("Deleted line 1.");
  await expect(wirebook.rows("deleted line 1")).toHaveCount(1);

  await wirebook.send(2, { FROM: "-2" });
  await expect(wirebook.card("brick 2 -2")).toContainText("deleted line 1");

  await wirebook.send(5, { FROM: "-1" });
  await expect(wirebook.card("brick 5 -1")).toContainText("receiving");
  await runClient(server, "otter");
  await expect(wirebook.card("brick 5 -1")).toContainText('"otter"');
  await wirebook.card("brick 5 -1").getByRole("button", { name: "Cancel" }).click();
  await expect(wirebook.card("brick 5 -1")).toContainText("cancelled");

  await wirebook.send(4, { NAME: "ada" });
  await expect(wirebook.card("brick 4 ada")).toContainText("ada~");
  await expect(wirebook.rows("created user ada")).toHaveCount(1);
  // From now on the page speaks in the name that it was given.
  await wirebook.send(6);
  await expect(wirebook.transcript.getByRole("article", { name: /^ada~\*+ 6$/ })).toContainText("engine: file");

  await wirebook.send(3);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await wirebook.send(3);
  await page.getByRole("button", { name: "Delete all lines" }).click();
  await expect(wirebook.transcript.getByRole("article", { name: /^ada~\*+ 3$/ })).toContainText("Deleted all.");
  await expect(wirebook.history.getByRole("row")).toHaveCount(1);
  await expect(wirebook.rows("deleted all")).toHaveCount(1);
});

test("a line is deleted from its row, and no other line", async ({ wirebook, server }) => {
  await runClient(server, "otter", "2");
  const row = wirebook.rows("otter 2");
  await row.hover();
  await row.getByRole("button", { name: /^Delete line/ }).click();
  await wirebook.history.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(wirebook.rows("otter 2")).toHaveCount(0);
  await expect(wirebook.rows(/brick\s+deleted line/)).toHaveCount(1);

  await wirebook.page.reload();
  await expect(wirebook.follow).toHaveText("live");
  await expect(wirebook.rows("otter 2")).toHaveCount(0);

  await wirebook.send(1, { N: "1", TIME: "2020-01-01T00:00:00.000000Z" });
  await expect(wirebook.card("brick 1 1 2020-01-01T00:00:00.000000Z")).toContainText("refused");
});

test("two pages see each other's lines at once", async ({ wirebook, gateway, browser }) => {
  await using context = await browser.newContext();
  const other = await Wirebook.open(await context.newPage(), gateway, "otter");
  await other.send(2, { FROM: "-1" });
  await expect(wirebook.rows("otter 2 -1")).toHaveCount(1);
  await wirebook.send(2, { FROM: "-1" });
  await expect(other.rows("brick 2 -1")).toHaveCount(1);
});
