import type { Page } from "@playwright/test";
import { expect, test } from "./wirebook.ts";

/** Fails when a text stands anywhere in the page: its HTML, its fields, or what a screen reader is given. */
async function expectNowhere(page: Page, text: string): Promise<void> {
  expect(text.length).toBeGreaterThan(20);
  expect(await page.content()).not.toContain(text);
  const values = await page.locator("input").evaluateAll((all) => all.map((each) => (each as HTMLInputElement).value));
  expect(values.join("\n")).not.toContain(text);
  expect(await page.locator("body").ariaSnapshot()).not.toContain(text);
  const hex = [...text].map((character) => character.charCodeAt(0).toString(16)).join(" ");
  expect(await page.content()).not.toContain(hex);
}

test("a username is generated, sends a key that is never shown, outlasts a reload and is forgotten", async ({
  page,
  wirebook,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const identity = page.getByRole("group", { name: "Identity" });
  const user = page.getByRole("textbox", { name: "User" });
  await identity.getByRole("button", { name: "Generate a username" }).click();
  await expect(identity).toContainText("This browser has a key for");
  const name = await user.inputValue();
  expect(name).not.toBe("brick");
  await identity.getByRole("button", { name: "Copy username with key" }).click();
  await expect(identity.getByRole("status")).toHaveText("Copied with the key.");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toMatch(/^[\w-]+~[0-9a-z]{26}$/);
  const key = copied.split("~")[1] ?? "";
  await expect(wirebook.card("brick 4")).toContainText(`${name}~${"*".repeat(26)}`);
  await expectNowhere(page, key);

  const stars = "*".repeat(26);
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card(`${name}~${stars} 2 -1`)).toContainText("done");
  await expectNowhere(page, key);
  await page.getByRole("button", { name: "Fault lab" }).click();
  await expect(page.getByRole("heading", { name: /fault lab/i })).toBeVisible();
  await expectNowhere(page, key);

  await page.reload();
  await expect(user).toHaveValue(name);
  await expect(identity).toContainText(`This browser has a key for ${name}.`);
  await wirebook.send(undefined);
  await expect(wirebook.card(`${name}~${stars}`).last()).toContainText("done");
  await expectNowhere(page, key);

  await identity.getByRole("button", { name: "Forget key" }).click();
  await expect(identity.getByRole("button", { name: "Cancel" })).toBeFocused();
  await identity.getByRole("button", { name: "Forget key" }).click();
  await expect(user).toBeFocused();
  await wirebook.send(undefined);
  await expect(wirebook.card(name)).toContainText("unauthenticated");

  await user.fill(copied);
  await wirebook.send(undefined);
  await expect(user).toHaveValue(name);
  await expect(identity).toContainText(`This browser has a key for ${name}.`);
  await expectNowhere(page, key);
});
