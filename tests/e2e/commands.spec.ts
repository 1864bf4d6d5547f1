import { expect, test } from "./wirebook.ts";

test("the palette finds a command by its words and carries it out", async ({ wirebook, page }) => {
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Command", exact: true });
  await expect(field).toBeFocused();
  await page.keyboard.type("read the hist");
  await expect(page.getByRole("listbox", { name: "Commands" }).getByRole("option")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("FROM", { exact: true })).toBeFocused();
  await page.keyboard.type("-1");
  await page.keyboard.press("Enter");
  await expect(wirebook.card("brick 2 -1")).toContainText("done");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("dark");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("no such thing");
  await expect(page.getByText("No matches.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("single keys move between exchanges and areas, and can be switched off", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await wirebook.send(undefined);
  await expect(wirebook.card("brick").last()).toContainText("done");
  await wirebook.transcript.getByRole("log").focus();
  await page.keyboard.press("k");
  await expect(wirebook.wire).toContainText("brick 2 -1");
  await page.keyboard.press("h");
  await expect(wirebook.history).toBeFocused();
  await page.keyboard.press("c");
  await expect(page.getByRole("textbox", { name: "User" })).toBeFocused();
  await page.keyboard.press("h");
  await expect(page.getByRole("textbox", { name: "User" })).toHaveValue("brickh");

  await wirebook.transcript.getByRole("log").focus();
  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await keys.getByRole("checkbox", { name: "Use single-key shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await expect(keys).toBeHidden();
  await page.keyboard.press("h");
  await expect(wirebook.history).not.toBeFocused();
  await page.reload();
  await expect(page.getByRole("combobox", { name: "Operation" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});
