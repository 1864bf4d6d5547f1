import { expect, test } from "./wirebook.ts";

test("the palette finds a command by its words and carries it out", async ({ wirebook, page }) => {
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Command", exact: true });
  await expect(field).toBeFocused();
  await page.keyboard.type("read the hist");
  await expect(page.getByRole("listbox", { name: "Commands" }).getByRole("option")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(wirebook.line).toBeFocused();
  await expect(wirebook.line).toHaveValue("brick 2 ");
  await page.keyboard.type("-1");
  await page.keyboard.press("Enter");
  await expect(wirebook.card("brick 2 -1")).toContainText("done");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("dark");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Settings" }).getByRole("radio", { name: "Dark" }).check();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.keyboard.press("Escape");
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
  await wirebook.conversation.getByRole("log").focus();
  await page.keyboard.press("k");
  await expect(wirebook.inspector).toContainText("brick 2 -1");
  await page.keyboard.press("h");
  await expect(wirebook.history).toBeFocused();
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

test("the palette finds what people type for a command", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Command", exact: true });
  const options = page.getByRole("listbox", { name: "Commands" }).getByRole("option");
  const wanted = {
    export: "Export & share",
    share: "Export & share",
    download: "Export & share",
    save: "Export & share",
    help: "Show help",
    raw: "Show the bytes",
    hex: "Show the bytes",
    clear: "Clear the conversation",
    line: "Filter the history",
    settings: "Open settings",
    theme: "Open settings",
    dark: "Open settings",
    density: "Open settings",
    utc: "Open settings",
    key: "Show help and keyboard shortcuts",
    register: "Register a new user",
    fault: "Open the fault lab",
    break: "Open the fault lab",
    find: "Find in the conversation",
    filter: "Filter the history",
    copy: "Copy the message",
  };
  for (const [typed, label] of Object.entries(wanted)) {
    await field.fill(typed);
    await expect(options.filter({ hasText: label }).first(), typed).toBeVisible();
  }
});

test("the palette sends a message and goes to a line", async ({ wirebook, page }) => {
  await wirebook.line.fill("brick is typing");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("brick 2 -1");
  await page.getByRole("option", { name: "Send “brick 2 -1”" }).click();
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await expect(wirebook.line).toHaveValue("brick is typing");

  await page.keyboard.press("Control+k");
  await page.keyboard.type(":1");
  await page.getByRole("option", { name: "Go to line 1", exact: true }).click();
  await expect(wirebook.history).toBeFocused();
  await expect(wirebook.grid.getByRole("row", { selected: true })).toContainText("brick");

  // What cannot be taken back is asked about first.
  await page.keyboard.press("Control+k");
  await page.keyboard.type("brick 3");
  await page.getByRole("option", { name: "Write “brick 3”" }).click();
  await expect(wirebook.line).toBeFocused();
  await expect(wirebook.line).toHaveValue("brick 3");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("no such command 2");
  await expect(page.getByRole("listbox", { name: "Commands" }).getByRole("option")).toHaveCount(0);
});
