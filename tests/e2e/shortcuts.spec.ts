import { expect, test } from "./wirebook.ts";

test("single keys move between entries and panes, and can be switched off", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await wirebook.send(undefined);
  await expect(wirebook.card("brick").last()).toContainText("done");
  await wirebook.conversation.getByRole("log").focus();
  await page.keyboard.press("k");
  await expect(wirebook.inspector).toContainText("brick 2 -1");
  await page.keyboard.press("j");
  await expect(wirebook.inspector).not.toContainText("brick 2 -1");
  await page.keyboard.press("w");
  await expect(wirebook.inspector).toBeFocused();
  await page.keyboard.press("h");
  await expect(wirebook.history).toBeFocused();
  const filter = wirebook.history.getByRole("searchbox", { name: "Filter" });
  await page.keyboard.press("Control+/");
  await expect(wirebook.history).toBeFocused();
  await page.keyboard.press("/");
  await expect(filter).toBeFocused();
  await page.keyboard.press("t");
  await expect(filter).toHaveValue("t");
  await filter.fill("");
  await wirebook.history.focus();
  await page.keyboard.press("t");
  await expect(wirebook.conversation.getByRole("log")).toBeFocused();
  await page.keyboard.press("c");
  await expect(wirebook.line).toBeFocused();
  await page.keyboard.press("h");
  await expect(wirebook.line).toHaveValue("brick h");

  await wirebook.conversation.getByRole("log").focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Help" })).toContainText("Go to the history");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("checkbox", { name: "Use single-key shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("h");
  await expect(wirebook.history).not.toBeFocused();
  await page.reload();
  await expect(wirebook.follow).toHaveText("live");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("a single key cancels the selected entry", async ({ wirebook, page }) => {
  await wirebook.send(5, { FROM: "-1" });
  await expect(wirebook.card("brick 5 -1")).toContainText("receiving");
  await wirebook.card("brick 5 -1").getByRole("button").first().click();
  await wirebook.inspector.focus();
  await page.keyboard.press("x");
  await expect(wirebook.card("brick 5 -1")).toContainText("cancelled");
});
