import type { Page } from "@playwright/test";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

/** Fails when a text stands anywhere in the page: its HTML, its fields, or what a screen reader is given. */
async function expectNowhere(page: Page, text: string): Promise<void> {
  expect(text.length).toBeGreaterThan(20);
  expect(await page.content()).not.toContain(text);
  const values = await page
    .locator("input, textarea")
    .evaluateAll((all) => all.map((each) => (each as HTMLInputElement | HTMLTextAreaElement).value));
  expect(values.join("\n")).not.toContain(text);
  expect(await page.locator("body").ariaSnapshot()).not.toContain(text);
  const hex = [...text].map((character) => character.charCodeAt(0).toString(16)).join(" ");
  expect(await page.content()).not.toContain(hex);
}

test("a user is registered, sends a key that is never shown, outlasts a reload and is forgotten", async ({
  page,
  wirebook,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { commandLine, line } = wirebook;
  const button = commandLine.getByRole("button", { name: "Identity" });
  const identity = commandLine.getByRole("group", { name: "Identity" });
  await button.click();
  await expect(identity).toContainText("This browser has no key for brick.");
  await expect(identity).toContainText("Operation 4 registers a permanent name with an access key");
  await wirebook.send(4);
  await expect(identity).toContainText("This browser has a key for");
  const name = (await line.inputValue()).trim();
  expect(name).not.toBe("brick");
  await identity.getByRole("button", { name: "Copy username with key" }).click();
  await expect(identity.getByRole("status")).toHaveText("Copied with the key.");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toMatch(/^[\w-]+~[0-9a-z]{26}$/);
  const key = copied.split("~")[1] ?? "";
  await expect(wirebook.card("brick 4")).toContainText(`${name}~***`);
  await expectNowhere(page, key);

  await wirebook.send(2, { FROM: "-1" });
  await expect(entryOf(wirebook, name, " 2 -1")).toContainText("done");
  await commandLine.getByRole("button", { name: "Bytes" }).click();
  await expect(commandLine).toContainText("the key as asterisks");
  await expectNowhere(page, key);
  await page.getByRole("tab", { name: "Fault lab" }).click();
  await expect(page.getByRole("form", { name: "Fault lab" })).toBeVisible();
  await expectNowhere(page, key);

  await page.reload();
  await expect(line).toHaveValue(`${name} `);
  await button.click();
  await expect(identity).toContainText(`This browser has a key for ${name}.`);
  await wirebook.send(undefined);
  await expect(entryOf(wirebook, name, "").last()).toContainText("done");
  await expectNowhere(page, key);

  await identity.getByRole("button", { name: "Forget key" }).click();
  const question = page.getByRole("dialog", { name: "Forget key" });
  await expect(question).toContainText(`The server does not send the key of ${name} again.`);
  await expect(question.getByRole("button", { name: "Cancel" })).toBeFocused();
  await question.getByRole("button", { name: "Forget key" }).click();
  await expect(line).toBeFocused();
  await wirebook.send(6);
  await expect(identity).toContainText(`The server does not accept ${name} without a key.`);
  const field = identity.getByLabel(`Key of ${name}`);
  await expect(field).toBeFocused();
  await expect(field).toHaveAttribute("type", "password");

  // The name is typed again: the field comes back, and leaves the rest of the line where it is typed.
  await line.fill("somebody");
  await expect(field).toBeHidden();
  await line.clear();
  await line.pressSequentially(`${name} 6`);
  await expect(field).toBeVisible();
  await expect(line).toHaveValue(`${name} 6`);
  await expect(line).toBeFocused();
  await field.fill("a-wrong-key");
  await field.press("Enter");
  await expect(identity).toContainText(`The server does not accept the key of ${name}.`);
  await field.fill(copied);
  await field.press("Enter");
  await expect(entryOf(wirebook, name, " 6").last()).toContainText("done");
  await expect(line).toBeFocused();
  await expect(identity).toContainText(`This browser has a key for ${name}.`);
  await expectNowhere(page, key);
});

test("a name that the server does not accept is exchanged for another", async ({ page }) => {
  await using server = await startServer({ options: ["--users", "registered"] });
  await using gateway = await startGateway({ server: server.address });
  const wirebook = new Wirebook(page);
  await page.goto(`http://${gateway.address}/`);
  await wirebook.type("stranger 2 -1");
  const identity = wirebook.commandLine.getByRole("group", { name: "Identity" });
  await expect(identity).toContainText("The server does not accept stranger without a key.");
  await expect(wirebook.line).toHaveValue("stranger 2 -1");
  await wirebook.line.fill("other 2 -1");
  await expect(identity).not.toContainText("The server does not accept");
});

/** Entries of a message that was sent with a key, however long its mask is. */
function entryOf({ conversation }: Wirebook, name: string, words: string) {
  return conversation.getByRole("article", { name: new RegExp(`^${name}~[*…•]+${words}$`, "u") });
}
