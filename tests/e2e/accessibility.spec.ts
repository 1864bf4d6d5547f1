import type { Page } from "@playwright/test";
import { expectClean } from "./clean.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1600, height: 1000 } } as const;

async function expectNothingOverflows(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
}

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing on a ${size} in ${colorScheme}`, async ({ page, gateway, server }) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.goto(`http://${gateway.address}/`);
      await expect(page.getByRole("button", { name: "Connect" })).toBeEnabled();
      await expectClean(page);

      const wirebook = new Wirebook(page);
      await wirebook.begin("brick");
      await wirebook.send(2, { FROM: "-2" });
      await expect(wirebook.card("brick 2 -2")).toContainText("done");
      await expectClean(page);
      for (const view of ["History", "Wire"]) {
        const tab = page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: view });
        if (!(await tab.isVisible())) continue;
        await tab.click();
        await expectClean(page);
        await expectNothingOverflows(page);
      }
      const tab = page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: "Transcript" });
      if (await tab.isVisible()) await tab.click();
      await server.kill("SIGKILL");
      await wirebook.send(2);
      await expect(wirebook.card("brick 2")).toContainText("failed");
      await expectClean(page);
      await expectNothingOverflows(page);
    });
  }
}

test("a question takes the focus and gives it back", async ({ wirebook, page }) => {
  await expect(wirebook.follow).toHaveText("live");
  const grid = wirebook.history.getByRole("grid", { name: "Lines" });
  await grid.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Delete");
  await expect(wirebook.history.getByRole("button", { name: "Delete", exact: true })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(grid).toBeFocused();
  await page.keyboard.press("Delete");
  await expect(wirebook.history.getByRole("button", { name: "Delete", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(grid).toBeFocused();
  await expect(wirebook.rows("deleted line 1")).toHaveCount(1);

  await wirebook.send(3);
  await expect(page.getByRole("button", { name: "Delete all lines" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeFocused();
});

test("the newest answer keeps a place on a screen that is magnified", async ({ wirebook, page }) => {
  await page.setViewportSize({ width: 640, height: 400 });
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const box = await page.getByRole("log", { name: "Exchanges" }).boundingBox();
  expect((box?.height ?? 0) >= 150, "the transcript has the height of a few lines").toBe(true);
  await expectNothingOverflows(page);
});

for (const viewport of [sizes.phone, { width: 1280, height: 720 }]) {
  test(`a word of 1,990 characters pushes nothing out of sight at ${viewport.width} by ${viewport.height}`, async ({
    wirebook,
    page,
  }) => {
    await page.setViewportSize(viewport);
    await page.getByRole("combobox", { name: "Operation" }).selectOption("2");
    await page.getByLabel("FROM", { exact: true }).fill("x".repeat(1990));
    await expect(page.getByRole("status", { name: "Refusal" })).toContainText(`FROM is "${"x".repeat(40)}…"`);
    await expect(page.getByRole("button", { name: "Send", exact: true })).toBeInViewport({ ratio: 1 });
    await page.getByRole("button", { name: "Send anyway" }).click();
    const timeline = wirebook.wire.getByRole("group", { name: /^Timeline of brick 2 x+$/ });
    const tab = page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: "Wire" });
    if (await tab.isVisible()) await tab.click();
    await expect(timeline).toContainText("The message was refused: FROM is");
    expect(await timeline.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
    await expectNothingOverflows(page);
  });
}

test("the main job needs no mouse", async ({ page, gateway }) => {
  await page.goto(`http://${gateway.address}/`);
  // A name stands there, and is typed over.
  await expect(page.getByRole("textbox", { name: "User" })).toBeFocused();
  await page.keyboard.type("otter");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("combobox", { name: "Operation" })).toBeVisible();
  await page.getByRole("combobox", { name: "Operation" }).focus();
  await page.keyboard.press("2");
  await expect(page.getByLabel("FROM", { exact: true })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("FROM", { exact: true })).toBeFocused();
  await page.keyboard.type("-1");
  await page.keyboard.press("Enter");
  await expect(new Wirebook(page).card("otter 2 -1")).toContainText("done");
});

test("who types faster than the server answers loses nothing", async ({ page, gateway, server }) => {
  await page.goto(`http://${gateway.address}/`);
  await expect(page.getByRole("button", { name: "Connect" })).toBeEnabled();
  server.signal("SIGSTOP");
  await page.getByRole("textbox", { name: "User" }).press("Enter");
  const operation = page.getByRole("combobox", { name: "Operation" });
  await operation.focus();
  await page.keyboard.press("2");
  await expect(operation).toHaveValue("2");
  await expect(operation.getByRole("option", { selected: true })).toHaveText("2: reading the operations…");
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  server.signal("SIGCONT");
  await expect(operation.getByRole("option", { selected: true })).toHaveText("2: read the history");
  await expect(operation).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.type("-1");
  await page.keyboard.press("Enter");
  await expect(new Wirebook(page).card("brick 2 -1")).toContainText("done");
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in the palette and the keyboard shortcuts in ${colorScheme}`, async ({ page, wirebook }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await wirebook.send(2, { FROM: "-1" });
    await expect(wirebook.card("brick 2 -1")).toContainText("done");
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("dialog", { name: "Commands" })).toBeVisible();
    await expectClean(page);
    await page.keyboard.type("keyboard shortcuts");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    await expectClean(page);
  });
}
